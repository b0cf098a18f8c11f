# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The selection of a task by the rules of docs/states.md ("Which instances"), without any code of the product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .openstack_api import USER_NAME
from .plans import ATMOSPHERE, ME, Member
from .site import Site
from .site_atmosphere import COLLEAGUE, USER
from .site_jetstream2 import COLLEAGUE_ID

_FILTERS = ("status", "project", "flavor", "image", "provider")


@dataclass(frozen=True)
class ExpectedSelection:
    """The uuids that a task selects, or the reason to refuse it. ``maybe``: uuids that it may or may not select."""

    uuids: frozenset[str]
    maybe: frozenset[str] = frozenset()
    refused: str = ""


@dataclass(frozen=True)
class _Listed:
    member: Member
    uuid: str
    id: str
    owner: str
    provider: str
    statuses: frozenset[str]

    def is_called(self, text: str) -> bool:
        return text == self.member.name or text.strip().lower() in (self.id.lower(), self.uuid.lower())


class _Refused(Exception):
    """The task has to be refused."""


def permitted(site: Site, options: Mapping[str, Any], statuses: Mapping[str, set[str]]) -> set[str]:
    """Return the instances that a task may act on, even if the client read only a part of the fleet."""
    fleet = _fleet(site, statuses)
    is_owned = _owners(site, options)
    named = [text for name in ("name", "id", "uuid") for text in options.get(name) or ()]
    identifies = any(options.get(name) is not None for name in ("name", "id", "uuid"))
    called = {each.uuid for text in named for each in _may_be_called(fleet, text)}
    out = {each.uuid for text in options.get("exclude") or () for each in _excluded(fleet, text)}
    wanted = options.get("status")
    return {
        each.uuid
        for each in fleet
        if (not identifies or each.uuid in called)
        and each.uuid not in out
        and is_owned(each)
        and _passes(each, options)
        and (wanted is None or each.statuses & set(wanted))
    }


def _may_be_called(fleet: Sequence[_Listed], text: str) -> list[_Listed]:
    """Return the instances that a text may name. If an instance called ``*`` is gone, its name is a glob."""
    exact = _called(fleet, text)
    there = [each for each in fleet if "missing" not in each.statuses]
    return exact if all(each in there for each in exact) else [*exact, *_called(there, text)]


def _excluded(fleet: Sequence[_Listed], text: str) -> list[_Listed]:
    """Return the instances with a name, number or UUID, and those of a glob, which may also be a name."""
    return [each for each in fleet if each.is_called(text) or fnmatchcase(each.member.name, text)]


def _called(fleet: Sequence[_Listed], text: str) -> list[_Listed]:
    """Return the instances with a name, number or UUID, or else those of a glob."""
    exact = [each for each in fleet if each.is_called(text)]
    return exact or [each for each in fleet if fnmatchcase(each.member.name, text)]


def expected(
    site: Site, options: Mapping[str, Any], listed: Collection[str], statuses: Mapping[str, set[str]]
) -> ExpectedSelection:
    """Return the listed instances that a task selects. ``statuses``: those of each that the client read."""
    fleet = [each for each in _fleet(site, statuses) if each.uuid in listed]
    try:
        chosen = _chosen(fleet, options, _owners(site, options))
    except _Refused as refused:
        return ExpectedSelection(frozenset(), refused=str(refused))
    wanted = options.get("status")
    if wanted is None:
        return ExpectedSelection(frozenset(each.uuid for each in chosen))
    sure = [each.uuid for each in chosen if each.statuses and each.statuses <= set(wanted)]
    maybe = [each.uuid for each in chosen if each.statuses & set(wanted)]
    return ExpectedSelection(frozenset(sure), frozenset(maybe) - frozenset(sure))


def _fleet(site: Site, statuses: Mapping[str, set[str]]) -> list[_Listed]:
    me, colleague = (USER, COLLEAGUE) if site.cloud == ATMOSPHERE else (USER_NAME, COLLEAGUE_ID)
    return [
        _Listed(
            member=member,
            uuid=uuid,
            id=number,
            owner=me if member.owner == ME else colleague,
            provider=site.provider_of(at),
            statuses=frozenset(statuses.get(uuid, ())),
        )
        for at, (member, uuid, number) in enumerate(zip(site.members, site.uuids, site.ids, strict=True))
    ]


def _owners(site: Site, options: Mapping[str, Any]) -> Callable[[_Listed], bool]:
    me = USER if site.cloud == ATMOSPHERE else USER_NAME
    owners = options.get("owner", ["me"])

    def is_owned(each: _Listed) -> bool:
        return "any" in owners or any(
            fnmatchcase(each.owner.lower(), me if one == "me" else one.lower()) for one in owners
        )

    return is_owned


def _chosen(fleet: Sequence[_Listed], options: Mapping[str, Any], is_owned: Callable[[_Listed], bool]) -> list[_Listed]:
    named = {name: options[name] for name in ("name", "id", "uuid") if options.get(name) is not None}
    found = _identified(fleet, named, is_owned) if named else list(fleet)
    out = [each.uuid for pattern in options.get("exclude") or () for each in _pattern(fleet, pattern, many=True)]
    _check_filters(fleet, options)
    for owner in options.get("owner") or () if fleet else ():
        if owner not in ("me", "any") and not set(owner) & set("*?[") and all(each.owner != owner for each in fleet):
            raise _Refused(f"nothing belongs to {owner}")
    return [each for each in found if each.uuid not in out and is_owned(each) and _passes(each, options)]


def _identified(
    fleet: Sequence[_Listed], named: Mapping[str, Sequence[str]], is_owned: Callable[[_Listed], bool]
) -> list[_Listed]:
    uuids: set[str] = set()
    own = [each for each in fleet if is_owned(each)]
    for text in named.get("name", ()):
        exact = [each for each in own if each.is_called(text)]
        if not exact and any(each.is_called(text) for each in fleet):
            raise _Refused(f"{text} is another owner's")
        uuids |= {each.uuid for each in _pattern(own if exact else fleet, text, many=False)}
    for text in (*named.get("id", ()), *named.get("uuid", ())):
        one = [each for each in fleet if text in (each.id, each.uuid)]
        if not one or not all(is_owned(each) for each in one):
            raise _Refused(f"{text} is not there, or another owner's")
        uuids |= {each.uuid for each in one}
    return [each for each in fleet if each.uuid in uuids]


def _pattern(fleet: Sequence[_Listed], text: str, *, many: bool) -> list[_Listed]:
    found = _excluded(fleet, text) if many else _called(fleet, text)
    if len(found) > 1 and found[0].is_called(text) and not many:
        raise _Refused(f"several are called {text}")
    if not found and not set(text) & set("*?["):
        raise _Refused(f"nothing is called {text}")
    return found


def _values(each: _Listed, name: str) -> str:
    return each.provider if name == "provider" else str(getattr(each.member, name))


def _check_filters(fleet: Sequence[_Listed], options: Mapping[str, Any]) -> None:
    for name in _FILTERS:
        for pattern in options.get(name) or () if name != "status" and fleet else ():
            if not set(pattern) & set("*?[") and all(_values(each, name) != pattern for each in fleet):
                raise _Refused(f"nothing has the {name} {pattern}")


def _passes(each: _Listed, options: Mapping[str, Any]) -> bool:
    """Return whether an instance passes the filters, but for its status, which depends on the time of the read."""
    for name in _FILTERS:
        patterns = options.get(name)
        if name == "status" or patterns is None:
            continue
        if not any(fnmatchcase(_values(each, name), pattern) for pattern in patterns):
            return False
    return True
