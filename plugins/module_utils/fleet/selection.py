# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, numbers, globs and filters -> the things they mean. Pure functions; what is ambiguous or unknown is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Generic, Protocol, TypeVar

from ..errors import SelectionError
from ..model import Instance, Volume
from ..text.suggestions import did_you_mean

_GLOB_CHARACTERS = frozenset("*?[")


class Named(Protocol):
    """What can be selected: it has a name, a number and a uuid."""

    @property
    def id(self) -> int | str:
        """The number that people see."""

    @property
    def uuid(self) -> str:
        """The name that no other thing has."""

    @property
    def name(self) -> str:
        """The name that its owner gave it."""

    @property
    def label(self) -> str:
        """Name and number."""


Thing = TypeVar("Thing", bound=Named)
# What a filter compares a thing by: any of these strings may match.
Field = Callable[[Thing], Iterable[str | None]]

INSTANCE_FIELDS: Mapping[str, Field[Instance]] = {
    "status": lambda each: [each.status],
    "project": lambda each: [each.project.name, each.project.uuid] if each.project else [],
    "flavor": lambda each: [each.flavor.name],
    "image": lambda each: [each.image.name, each.image.uuid] if each.image else [],
    "provider": lambda each: [each.provider.name, each.provider.uuid],
    "allocation_source": lambda each: (
        [each.allocation_source.name, each.allocation_source.uuid] if each.allocation_source else []
    ),
}
VOLUME_FIELDS: Mapping[str, Field[Volume]] = {
    "status": lambda each: [each.status],
    "project": lambda each: [each.project.name, each.project.uuid] if each.project else [],
    "provider": lambda each: [each.provider.name, each.provider.uuid],
}


@dataclass(frozen=True, slots=True)
class Selector:
    """What a user said. Names, numbers and uuids add up; filters then narrow down; what is excluded is taken out."""

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    everything: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any], filters: Iterable[str]) -> Selector:
        """Take the selector's options from a module's options; C(filters) are the names of the filtering ones."""

        def strings(name: str) -> tuple[str, ...]:
            return tuple(str(each) for each in options.get(name) or ())

        return cls(
            names=strings("name"),
            ids=strings("id"),
            uuids=strings("uuid"),
            filters={each: strings(each) for each in filters if options.get(each)},
            exclude=strings("exclude"),
            everything=bool(options.get("all")),
        )

    @property
    def identifies(self) -> bool:
        """Whether single things are named."""
        return bool(self.names or self.ids or self.uuids)

    @property
    def has_criteria(self) -> bool:
        """Whether it means anything short of "whatever there is"."""
        return self.identifies or bool(self.filters) or self.everything

    def require_criteria(self) -> None:
        """Raise SelectionError if nothing says what is meant: everything has to be asked for by name."""
        if not self.has_criteria:
            raise SelectionError(
                "No instances selected.",
                hint="Give name, id, uuid or a filter, or all: true for every one of the account.",
            )


@dataclass(frozen=True, slots=True)
class Selection(Generic[Thing]):
    """What was selected, in the order it was given, and what was asked for in vain."""

    things: tuple[Thing, ...]
    problems: tuple[str, ...] = ()


def select(things: Sequence[Thing], selector: Selector, fields: Mapping[str, Field[Thing]]) -> Selection[Thing]:
    """Return what a selector means, with a sentence for each part of it that means nothing or too much."""
    identified, problems = _identified(things, selector)
    excluded, more = _named(things, selector.exclude, "exclude", allow_many=True)
    out = {each.uuid for each in excluded}
    chosen = [
        each
        for each in (identified if selector.identifies else things)
        if each.uuid not in out and _passes(each, selector.filters, fields)
    ]
    return Selection(tuple(chosen), (*problems, *more))


def select_by_name(things: Sequence[Thing], names: tuple[str, ...]) -> Selection[Thing]:
    """Return what the names and globs mean; everything, if there are none."""
    if not names:
        return Selection(tuple(things))
    chosen, problems = _named(things, names, "name", allow_many=True)
    out = {each.uuid for each in chosen}
    return Selection(tuple(each for each in things if each.uuid in out), tuple(problems))


def select_to_change(things: Sequence[Thing], selector: Selector, fields: Mapping[str, Field[Thing]]) -> list[Thing]:
    """Return what a selector means, where a mistake in it would change the wrong things.

    Raises SelectionError if it says nothing, names what is not there, or names allow_many things by one name.
    """
    selector.require_criteria()
    selection = select(things, selector, fields)
    if selection.problems:
        raise SelectionError(" ".join(selection.problems))
    return list(selection.things)


def _identified(things: Sequence[Thing], selector: Selector) -> tuple[list[Thing], list[str]]:
    by_name, problems = _named(things, selector.names, "name", allow_many=False)
    chosen = {each.uuid for each in by_name}
    for wanted, key, word in (
        (selector.ids, lambda each: str(each.id), "id"),
        (selector.uuids, lambda each: each.uuid.lower(), "uuid"),
    ):
        for text in wanted:
            found = [each.uuid for each in things if key(each) == text.strip().lower()]
            chosen.update(found)
            if not found:
                problems.append(f"Nothing has the {word} {text}.")
    return [each for each in things if each.uuid in chosen], problems


def _named(
    things: Sequence[Thing], patterns: Iterable[str], option: str, *, allow_many: bool
) -> tuple[list[Thing], list[str]]:
    """Find what is called so. C(exclude) takes numbers and uuids too, and several things of one name."""
    chosen: list[Thing] = []
    problems: list[str] = []
    for pattern in patterns:
        exact = [each for each in things if each.name == pattern]
        if allow_many:
            exact += [each for each in things if pattern in (str(each.id), each.uuid)]
        found = exact or [each for each in things if fnmatchcase(each.name, pattern)]
        chosen += found
        if len(exact) > 1 and not allow_many:
            numbers = ", ".join(str(each.id) for each in exact)
            problems.append(f"{len(exact)} are called {pattern}: say which by id ({numbers}).")
        if not found and not _is_glob(pattern):
            guess = did_you_mean(pattern, [each.name for each in things])
            problems.append(f"{option}: nothing is called {pattern}. {guess}".rstrip())
    return chosen, problems


def _is_glob(pattern: str) -> bool:
    return bool(_GLOB_CHARACTERS.intersection(pattern))


def _passes(thing: Thing, filters: Mapping[str, tuple[str, ...]], fields: Mapping[str, Field[Thing]]) -> bool:
    return all(_matches(fields[name](thing), patterns) for name, patterns in filters.items())


def _matches(values: Iterable[str | None], patterns: Iterable[str]) -> bool:
    texts = [each for each in values if each is not None]
    return any(text == pattern or fnmatchcase(text, pattern) for text in texts for pattern in patterns)
