# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects things by names, numbers, globs and filters. Pure functions.

Ambiguous and unknown values are reported. An empty list selects nothing; an option that is None was not given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Generic, Protocol, TypeVar

from ..errors import SelectionError
from ..model import CloudAccount, Instance, Volume
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line

_GLOB_CHARACTERS = frozenset("*?[")
# A state without instances is not a mistake.
_OPEN_FILTERS = frozenset({"status"})
# Fields that lists lack.
_LATE_FILTERS = frozenset({"status", "image"})
# Values of the option owner: the account's own instances, and those of all users.
ME, ANY = "me", "any"


class Named(Protocol):
    """A thing that can be selected by its name, number or UUID."""

    @property
    def id(self) -> int | str:
        """The number that people see."""

    @property
    def uuid(self) -> str:
        """The unique UUID."""

    @property
    def name(self) -> str:
        """The name, which its owner chose."""

    @property
    def label(self) -> str:
        """Name and number."""


Thing = TypeVar("Thing", bound=Named)
# The values that a filter compares. Any of them may match.
Field = Callable[[Thing], Iterable[str | None]]

INSTANCE_FIELDS: Mapping[str, Field[Instance]] = {
    "owner": lambda each: [each.owner],
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
    "owner": lambda each: [each.owner],
    "status": lambda each: [each.status],
    "project": lambda each: [each.project.name, each.project.uuid] if each.project else [],
    "provider": lambda each: [each.provider.name, each.provider.uuid],
}


@dataclass(frozen=True, slots=True)
class Selector:
    """The options of a selection.

    Names, numbers and UUIDs add up; filters narrow down; ``exclude`` removes. ``names``, ``ids`` and ``uuids`` are
    None, and a filter is missing, if the option was not given.
    """

    names: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    uuids: tuple[str, ...] | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    everything: bool = False
    owners: tuple[str, ...] = (ANY,)
    own_name: str | None = None

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], filters: Iterable[str], owner: tuple[str, ...] = (ANY,)
    ) -> Selector:
        """Build a selector from a module's options.

        ``filters``: the names of the filter options. ``owner``: the default of the option of that name.
        """

        def strings(name: str) -> tuple[str, ...] | None:
            given = options.get(name)
            return None if given is None else tuple(str(each) for each in given)

        given = {each: strings(each) for each in filters}
        owners = strings("owner")
        return cls(
            names=strings("name"),
            ids=strings("id"),
            uuids=strings("uuid"),
            filters={name: patterns for name, patterns in given.items() if patterns is not None},
            exclude=strings("exclude") or (),
            everything=bool(options.get("all")),
            owners=owner if owners is None else owners,
        )

    def with_account(self, account: Callable[[], CloudAccount]) -> Selector:
        """Return a selector with the account's own name. The account is read only if that matters."""
        if ANY in self.owners or ME not in self.owners:
            return self
        return replace(self, own_name=account().user)

    def is_of_owner(self, owner: str) -> bool:
        """Return whether an owner is selected. User names are compared case-insensitively."""
        if ANY in self.owners:
            return True
        name = owner.casefold()
        if ME in self.owners and self.own_name is not None and name == self.own_name.casefold():
            return True
        return any(fnmatchcase(name, each.casefold()) or name == each.casefold() for each in self.owners if each != ME)

    @property
    def identifies(self) -> bool:
        """Whether single things are named, including by an empty list."""
        return any(each is not None for each in self._identifiers.values())

    @property
    def names_something(self) -> bool:
        """Whether at least one thing is named."""
        return any(self._identifiers.values())

    def calls(self, thing: Named) -> bool:
        """Return whether a thing is named by its name, number or UUID, not only by a glob, a filter or ``all``."""
        return any(_is_called(thing, text) for texts in self._identifiers.values() for text in texts or ())

    @property
    def has_criteria(self) -> bool:
        """Whether any option other than ``exclude`` was given."""
        return self.identifies or bool(self.filters) or self.everything

    @property
    def empty_because(self) -> str | None:
        """A sentence if empty lists leave nothing to select."""
        identifiers = {} if self.names_something else self._identifiers
        options = {**identifiers, **self.filters, "owner": self.owners}
        given = {name: each for name, each in options.items() if each is not None}
        names = [name for name, each in given.items() if not each]
        if not names:
            return None
        verb = "is an empty list" if len(names) == 1 else "are empty lists"
        return f"{' and '.join(names)} {verb}, so nothing is selected."

    @property
    def _identifiers(self) -> Mapping[str, tuple[str, ...] | None]:
        return {"name": self.names, "id": self.ids, "uuid": self.uuids}

    def require_criteria(self) -> None:
        """Raise SelectionError if nothing was given: selecting the whole account requires ``all``."""
        if not self.has_criteria:
            raise SelectionError(
                "No instances selected.",
                hint="Set name, id, uuid or a filter, or all: true for all instances of the account.",
            )


@dataclass(frozen=True, slots=True)
class Selection(Generic[Thing]):
    """The selected things, in the order of the list.

    ``problems``: a sentence for each unknown or ambiguous value. ``empty_because``: a sentence if empty lists leave
    nothing to select. ``others``: the number of things left out only because of their owner. ``unmatched``: a sentence
    for each glob of ``exclude`` without a match, since a misspelled glob excludes nothing.
    """

    things: tuple[Thing, ...]
    problems: tuple[str, ...] = ()
    empty_because: str | None = None
    others: int = 0
    unmatched: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about a selection that is not refused for them."""
        return (*self.problems, *([self.empty_because] if self.empty_because else []), *self.unmatched)


def select(things: Sequence[Thing], selector: Selector, fields: Mapping[str, Field[Thing]]) -> Selection[Thing]:
    """Return the things that a selector selects."""
    owned = {each.uuid for each in things if _is_owned(each, selector, fields)}
    named, problems = _identified(things, selector, owned, fields)
    excluded, more = _named(things, selector.exclude, "exclude", allow_many=True)
    out = {each.uuid for each in excluded}
    passing = [
        each
        for each in (named if selector.identifies else things)
        if each.uuid not in out and _passes(each, selector.filters, fields)
    ]
    chosen = tuple(each for each in passing if each.uuid in owned)
    unknown = (*_unknown_values(things, selector.filters, fields), *_unknown_owners(things, selector, fields))
    others = len(passing) - len(chosen)
    return Selection(
        chosen, (*problems, *more, *unknown), selector.empty_because, others, _unmatched(things, selector.exclude)
    )


def _fits(thing: Named, pattern: str) -> bool:
    return _is_called(thing, pattern) or fnmatchcase(thing.name, pattern)


def _unmatched(things: Sequence[Thing], exclude: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each glob without a match. Without things, there is none."""
    if not things:
        return ()
    return tuple(
        f"exclude: {pattern} matches nothing, so it excludes nothing."
        for pattern in exclude
        if is_glob(pattern) and not any(_fits(each, pattern) for each in things)
    )


def may_select(selector: Selector, fields: Mapping[str, Field[Thing]]) -> Callable[[Thing], bool]:
    """Return a test whether a thing may be selected, before its state and its image name are known."""
    early = {name: patterns for name, patterns in selector.filters.items() if name not in _LATE_FILTERS}
    texts = (*(selector.names or ()), *(selector.ids or ()), *(selector.uuids or ()))

    def passes(thing: Thing) -> bool:
        return (
            _is_owned(thing, selector, fields)
            and (
                not selector.identifies
                or any(_is_called(thing, each) or _matches([thing.name], [each]) for each in texts)
            )
            and _passes(thing, early, fields)
        )

    return passes


def select_by_name(things: Sequence[Thing], names: Sequence[str] | None) -> Selection[Thing]:
    """Return the things that names and globs select, or all things without names."""
    if names is None:
        return Selection(tuple(things))
    chosen, problems = _named(things, names, "name", allow_many=True)
    found = {each.uuid for each in chosen}
    return Selection(tuple(each for each in things if each.uuid in found), tuple(problems))


def select_to_change(
    things: Sequence[Thing], selector: Selector, fields: Mapping[str, Field[Thing]]
) -> Selection[Thing]:
    """Return the selected things for a change, where a mistake would change the wrong ones.

    Raises SelectionError if the selector is empty, or has an unknown or ambiguous value.
    """
    selector.require_criteria()
    selection = select(things, selector, fields)
    if selection.problems:
        raise SelectionError(" ".join(selection.problems))
    return selection


def _is_owned(thing: Thing, selector: Selector, fields: Mapping[str, Field[Thing]]) -> bool:
    return ANY in selector.owners or any(selector.is_of_owner(each or "") for each in fields["owner"](thing))


def _identified(
    things: Sequence[Thing], selector: Selector, owned: Collection[str], fields: Mapping[str, Field[Thing]]
) -> tuple[list[Thing], list[str]]:
    """Find the named things. An exact name of another owner's thing is a problem."""
    own = [each for each in things if each.uuid in owned]
    problems: list[str] = []
    chosen: set[str] = set()
    for text in selector.names or ():
        exact = [each for each in own if _is_called(each, text)]
        others = [each for each in things if each.uuid not in owned and _is_called(each, text)]
        if others and not exact:
            problems += [_belongs_to_another(each, selector, fields) for each in others]
            continue
        # A glob also counts its matches of other owners.
        found, more = _named(own if exact else things, [text], "name", allow_many=False)
        problems += more
        chosen.update(each.uuid for each in found)
    for wanted, key, word in (
        (selector.ids, lambda each: str(each.id).lower(), "id"),
        (selector.uuids, lambda each: each.uuid.lower(), "uuid"),
    ):
        for text in wanted or ():
            found = [each for each in things if key(each) == text.strip().lower()]
            if not found:
                problems.append(f"The {word} {text} does not exist.")
            problems += [_belongs_to_another(each, selector, fields) for each in found if each.uuid not in owned]
            chosen.update(each.uuid for each in found if each.uuid in owned)
    return [each for each in things if each.uuid in chosen], problems


def _belongs_to_another(thing: Thing, selector: Selector, fields: Mapping[str, Field[Thing]]) -> str:
    return owned_by_another(thing.label, next(iter(fields["owner"](thing))), selector.owners)


def owned_by_another(label: str, owner: str | None, owners: Sequence[str]) -> str:
    """Return the sentence about a named thing whose owner is not selected."""
    whose = one_line(owner or "an unknown user")
    return f"{label} belongs to {whose}, but owner is {', '.join(owners)}. To select it, set owner: any."


def _named(
    things: Sequence[Thing], patterns: Iterable[str], option: str, *, allow_many: bool
) -> tuple[list[Thing], list[str]]:
    """Find the things of a name, number or UUID, or else of a glob; with ``allow_many``, of both.

    With several matches allowed, as in ``exclude``, a thing whose name equals the glob must not hide the others.
    """
    chosen: list[Thing] = []
    problems: list[str] = []
    for pattern in patterns:
        exact = [each for each in things if _is_called(each, pattern)]
        found = exact if exact and not allow_many else [each for each in things if _fits(each, pattern)]
        chosen += found
        if len(exact) > 1 and not allow_many:
            numbers = ", ".join(str(each.id) for each in exact)
            problems.append(f"The name {pattern} is ambiguous. Use an ID ({numbers}).")
        if not found and not is_glob(pattern):
            guess = did_you_mean(pattern, [each.name for each in things])
            problems.append(f"{option}: {pattern or 'an empty name'} does not exist. {guess}".rstrip())
    return chosen, problems


def _is_called(thing: Named, text: str) -> bool:
    return text == thing.name or text.strip().lower() in (str(thing.id).lower(), thing.uuid.lower())


def _unknown_values(
    things: Sequence[Thing], filters: Mapping[str, tuple[str, ...]], fields: Mapping[str, Field[Thing]]
) -> list[str]:
    """Return a sentence for each value of a filter that no thing has. Without things, there is none."""
    if not things:
        return []
    problems = []
    for name, patterns in filters.items():
        known = {text for each in things for text in fields[name](each) if text is not None}
        for pattern in patterns:
            if name in _OPEN_FILTERS or pattern in known or is_glob(pattern):
                continue
            guess = did_you_mean(pattern, known)
            problems.append(f"{name}: there is no {name.replace('_', ' ')} {pattern}. {guess}".rstrip())
    return problems


def _unknown_owners(things: Sequence[Thing], selector: Selector, fields: Mapping[str, Field[Thing]]) -> list[str]:
    named = [each for each in selector.owners if each not in (ME, ANY) and not is_glob(each)]
    if not things or not named:
        return []
    known = [owner for each in things for owner in fields["owner"](each) if owner]
    lower = {each.casefold() for each in known}
    return [
        f"owner: {each} owns nothing here. {did_you_mean(each, known)}".rstrip()
        for each in named
        if each.casefold() not in lower
    ]


def is_glob(pattern: str) -> bool:
    """Return whether a name is a pattern that many names match."""
    return bool(_GLOB_CHARACTERS.intersection(pattern))


def _passes(thing: Thing, filters: Mapping[str, tuple[str, ...]], fields: Mapping[str, Field[Thing]]) -> bool:
    return all(_matches(fields[name](thing), patterns) for name, patterns in filters.items())


def _matches(values: Iterable[str | None], patterns: Iterable[str]) -> bool:
    texts = [each for each in values if each is not None]
    return any(text == pattern or fnmatchcase(text, pattern) for text in texts for pattern in patterns)
