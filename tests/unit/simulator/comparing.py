# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a response with the recorded one.

All values have to be equal, but for those that cannot be: they have to be of the same kind.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import Answer

# Recordings are timed to the second.
_TOLERANCE = timedelta(seconds=2)
# Later dates were made while the scenes from 701 on were recorded.
_SCENES_BEGIN = "2026-11-25T18:30"
_HEX, _UUID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONSOLE = re.compile(r"http://127\.0\.0\.1:6080/vnc_auto\.html\?token=" + _UUID.pattern)
_TOKEN_URL = re.compile(r"http://127\.0\.0\.1:8899/api/v2/tokens/" + _HEX.pattern)
_HISTORY_URL = re.compile(r"http://127\.0\.0\.1:8899/api/v2/instance_histories/" + _UUID.pattern)
# Lists in these places came in no order of their own; of histories, the rows of one instance.
_UNORDERED = frozenset({"/api/v2/projects", "/api/v2/project_instances", "/api/v2/instance_histories"})

Check = Callable[[Any, Any], bool]


def differences(path: str, recorded: Answer, answer: Answer) -> list[str]:
    """Return the differences of a response to a request for ``path`` from the recorded one, each as text."""
    found = []
    if recorded.status != answer.status:
        found.append(f"status: {answer.status}, not {recorded.status}")
    found += _header_differences(recorded, answer)
    if recorded.cookies != answer.cookies:
        found.append(f"cookies: {answer.cookies}, not {recorded.cookies}")
    if recorded.body == {"page": True}:
        if not str(answer.body).lstrip().startswith(("<!DOCTYPE html>", "<html>")):
            found.append(f"body: no page, but {answer.body!r}")
        return found
    resource = "/".join(path.partition("?")[0].split("/")[:4])
    return found + list(_body_differences("body", recorded.body, answer.body, unordered=resource in _UNORDERED))


def _header_differences(recorded: Answer, answer: Answer) -> Iterator[str]:
    for name, value in recorded.headers.items():
        other = answer.headers.get(name)
        if name == "expires" and other is not None:
            same = abs(parsedate_to_datetime(other) - parsedate_to_datetime(value)) <= _TOLERANCE
        else:
            same = other == value
        if not same:
            yield f"{name}: {other!r}, not {value!r}"
    for name in ("location", "cache-control", "expires"):
        if name in answer.headers and name not in recorded.headers:
            yield f"{name}: {answer.headers[name]!r}, not recorded"


def _body_differences(where: str, recorded: Any, found: Any, *, unordered: bool) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            if key not in found:
                yield f"{where}.{key}: missing"
            elif key not in recorded:
                yield f"{where}.{key}: {found[key]!r}, not recorded"
            else:
                yield from _value_differences(f"{where}.{key}", key, recorded, found, unordered=unordered)
        return
    if isinstance(recorded, list) and isinstance(found, list):
        if len(recorded) != len(found):
            yield f"{where}: {len(found)} entries, not {len(recorded)}"
        pairs = zip(_sorted(recorded, unordered), _sorted(found, unordered), strict=False)
        for at, (one, other) in enumerate(pairs):
            yield from _body_differences(f"{where}[{at}]", one, other, unordered=unordered)
        return
    if type(recorded) is not type(found) or recorded != found:
        yield f"{where}: {found!r}, not {recorded!r}"


def _value_differences(where: str, key: str, recorded: Any, found: Any, *, unordered: bool) -> Iterator[str]:
    check = _check_for(key, recorded)
    if check is None:
        yield from _body_differences(where, recorded[key], found[key], unordered=unordered)
    elif not check(recorded[key], found[key]):
        yield f"{where}: {found[key]!r} cannot stand for {recorded[key]!r}"


def _check_for(key: str, within: dict[str, Any]) -> Check | None:
    """Return the check of a value that differs each time; None for all others."""
    value = within[key]
    if (key, value) in (("token", "REDACTED"), ("key", "REDACTEDTOKEN")):
        return _of_form(_HEX)
    if key == "expires" and "token" in within:
        return _around("%b %d, %Y %H:%M:%S")
    while_recorded = isinstance(value, str) and value > _SCENES_BEGIN
    if key in ("issuedTime", "expireTime") or (key in ("start_date", "end_date") and while_recorded):
        return _around("%Y-%m-%dT%H:%M:%S.%fZ")
    if key == "object" and isinstance(value, str) and _CONSOLE.fullmatch(value):
        return _of_form(_CONSOLE)
    if key == "url" and "issuer" in within:
        return _of_form(_TOKEN_URL)
    if key in ("url", "uuid") and "extra" in within:
        return _of_form(_HISTORY_URL if key == "url" else _UUID)
    return None


def _of_form(pattern: re.Pattern[str]) -> Check:
    return lambda _recorded, found: isinstance(found, str) and pattern.fullmatch(found) is not None


def _around(form: str) -> Check:
    def check(recorded: Any, found: Any) -> bool:
        try:
            difference = _date(found, form) - _date(recorded, form)
        except (TypeError, ValueError):
            return False
        return abs(difference) <= _TOLERANCE

    return check


def _date(text: str, form: str) -> datetime:
    # No microseconds are written where there are none.
    if form.endswith(".%fZ") and "." not in text:
        text = text.removesuffix("Z") + ".0Z"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def _instance_of(row: dict[str, Any]) -> Any:
    """Return the number of the instance that a row of history is about; None for other rows."""
    instance = row.get("instance") if "extra" in row else None
    return instance.get("id") if isinstance(instance, dict) else None


def _sorted(rows: list[Any], unordered: bool) -> list[Any]:
    if not unordered or not all(isinstance(row, dict) and "id" in row for row in rows):
        return rows
    runs = itertools.groupby(rows, _instance_of)
    return [row for _instance, run in runs for row in sorted(run, key=lambda row: str(row["id"]))]
