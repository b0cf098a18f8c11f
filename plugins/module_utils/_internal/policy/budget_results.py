# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget guard as modules return it: plain values, and sentences. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..text.terminal import one_line
from ..times import iso
from ..usage.rates import figure, number_if_known
from .budget_guard import NO_CHANNEL, Candidate, Consequence, Kind, News, Plan, Standing, Threshold, consequence

_NAMED = 10


def budget_result(
    standing: Standing,
    plan: Plan,
    news: Mapping[str, News],
    reached: str | None,
    outcomes: Mapping[str, Mapping[str, Any]],
    *,
    acts: bool,
) -> dict[str, Any]:
    """Return an allocation, the thresholds to report by channel, and the shelving plan with its consequence."""
    before, after = consequence(standing, plan.before), consequence(standing, plan.after)
    return {
        **standing_result(standing),
        "news": _news(standing, news),
        "limit_reached": reached,
        "plan": {
            "shelve": [_planned(each, outcomes) for each in plan.shelve],
            "left": [_left(each) for each in plan.left],
            "before": _consequence(before),
            "after": _consequence(after),
            "reason": plan.reason,
            "applies": acts,
            "sentence": _plan_sentence(plan, before, after, reached, acts=acts),
        },
    }


def _news(standing: Standing, news: Mapping[str, News]) -> list[dict[str, Any]]:
    """Return the thresholds to report, each with the channels for which it is new."""
    found: dict[Threshold, list[str]] = {}
    for channel, of_channel in news.items():
        for each in of_channel.new:
            found.setdefault(each, []).append(channel)
    return [
        {
            "threshold": each.key,
            "sentence": sentence_of(each, standing),
            "channels": [channel for channel in channels if channel != NO_CHANNEL],
        }
        for each, channels in found.items()
    ]


def standing_result(standing: Standing) -> dict[str, Any]:
    """Return the status of an allocation as plain values."""
    source, estimated = standing.source, standing.estimated
    return {
        "name": source.name,
        "uuid": source.uuid,
        "allowed": number_if_known(figure(source.compute_allowed)),
        "used": number_if_known(figure(source.compute_used)),
        "percent_used": _rounded(standing.reported.percent_used, 1),
        "used_since": number_if_known(standing.used_since),
        "estimated_percent_used": _rounded(estimated.percent_used, 1),
        "estimated_remaining": number_if_known(estimated.remaining),
        "end_date": None if source.end_date is None else str(source.end_date),
        "days_to_end": _rounded(standing.days_to_end, 1),
        "days_left": _rounded(estimated.habit.days, 1),
        "exhausted_at": iso(estimated.habit.exhausted_at) if estimated.habit.exhausted_at else None,
        "su_per_day": number_if_known(standing.pace.su_per_day),
        "su_per_day_to_last": _rounded(estimated.su_per_day_to_last, 1),
        "figures": _figures(standing),
    }


def budget_sentence(rows: Sequence[Mapping[str, Any]], channel: str | None = None) -> str:
    """Return the news of all allocations for one channel, or for any, one sentence each."""
    sentences = [f"{one_line(row['name'])}: {each['sentence']}" for row in rows for each in news_to(row, channel)]
    return " ".join(sentences) or "No new threshold."


def news_to(row: Mapping[str, Any], channel: str | None) -> list[Mapping[str, Any]]:
    """Return the news of an allocation for a channel, or for all channels if it is None."""
    return [each for each in row["news"] if channel is None or channel in each["channels"]]


def _figures(standing: Standing) -> str:
    """Return the figure of the site beside the estimate, in words."""
    reported, estimated = standing.reported.percent_used, standing.estimated.percent_used
    if reported is None or estimated is None:
        return "The used SU are unknown."
    if standing.used_since is None:
        return f"The site reports {reported:.1f} % used. The age of that figure is unknown."
    since = f"{number_if_known(standing.used_since)} SU"
    return (
        f"The site reports {reported:.1f} % used; including {since} that it may not have counted yet, "
        f"{estimated:.1f} %."
    )


def sentence_of(threshold: Threshold, standing: Standing) -> str:
    """Return a sentence about a threshold that is reached."""
    estimated = standing.estimated
    match threshold.kind:
        case Kind.USED:
            return f"{estimated.percent_used or 0:.1f} % of the SU are used (threshold {threshold.level} %)."
        case Kind.LASTS:
            at = estimated.habit.exhausted_at
            day = f", on {at.date()}" if at else ""
            return f"The SU last for {estimated.habit.days or 0:.1f} days at the pace of the last week{day}."
        case Kind.ENDS:
            end = estimated.end
            day = f", on {end.date()}" if end else ""
            return f"The allocation ends in {standing.days_to_end or 0:.1f} days{day}."
        case Kind.OVER:
            what = "has ended" if estimated.has_ended else "is used up"
            return (
                f"The allocation {what}. Sites disable it immediately, and delete instances and volumes some "
                "weeks later."
            )


def _plan_sentence(plan: Plan, before: Consequence, after: Consequence, reached: str | None, *, acts: bool) -> str:
    if not plan.shelve:
        return f"Nothing to shelve: {plan.reason}."
    names = [one_line(each.instance.name) for each in plan.shelve]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    verb = "Shelved" if acts else "To shelve"
    why = f" ({reached})" if reached else ""
    short = f" That is not enough: {plan.reason}." if plan.reason and after.lasts is not True else ""
    change = _change(before, after)
    return f"{verb}{why}: {', '.join(names[:_NAMED])}{more}. {change[0].upper()}{change[1:]}.{short}"


def change_of(standing: Standing, plan: Plan) -> str:
    """Return what a plan changes, as a clause."""
    return _change(consequence(standing, plan.before), consequence(standing, plan.after))


def _change(before: Consequence, after: Consequence) -> str:
    return f"from {_per_day(before)}, which {_lasts(before)}, to {_per_day(after)}, which {_lasts(after)}"


def _per_day(of: Consequence) -> str:
    return f"{number_if_known((of.su_per_hour * 24).quantize(Decimal('0.1')))} SU a day"


def _lasts(of: Consequence) -> str:
    if of.days is None:
        return "lasts to the end" if of.lasts else "lasts for an unknown time"
    end = " and so to the end" if of.lasts else ""
    return f"lasts for {of.days:.1f} days{end}"


def _planned(candidate: Candidate, outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    row = _instance(candidate) | {"why": "idle" if candidate.is_idle else "expensive"}
    nothing = {"changed": False, "failed": False, "skipped": False, "msg": ""}
    return row | dict(outcomes.get(candidate.instance.uuid, nothing))


def _left(candidate: Candidate) -> dict[str, Any]:
    reason = candidate.veto
    if reason is None:
        reason = "its cost is not known" if candidate.cost is None else None
    return _instance(candidate) | {"reason": reason}


def _instance(candidate: Candidate) -> dict[str, Any]:
    instance = candidate.instance
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "owner": instance.owner,
        "status": instance.status,
        "su_per_hour": number_if_known(candidate.cost),
    }


def _consequence(of: Consequence) -> dict[str, Any]:
    return {
        "su_per_day": _rounded(of.su_per_hour * 24, 1),
        "days": _rounded(of.days, 1),
        "lasts": of.lasts,
    }


def _rounded(value: Decimal | None, digits: int) -> int | float | None:
    return None if value is None else number_if_known(round(value, digits))
