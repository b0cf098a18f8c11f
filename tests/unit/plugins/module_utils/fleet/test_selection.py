# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options select exactly what they name, and each value that is unknown or ambiguous is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.selection import (
    ANY,
    INSTANCE_FIELDS,
    ME,
    VOLUME_FIELDS,
    Selection,
    Selector,
    may_select,
    select,
    select_by_name,
    select_to_change,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    CloudAccount,
    Flavor,
    Image,
    Instance,
    Project,
    Provider,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import (
    IDENTIFIERS,
    INSTANCE_FILTERS,
    VOLUME_FILTERS,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import INDIANA, JOHNDOE, an_instance
from hypothesis import given
from hypothesis import strategies as st

TEXAS = Provider(name="Jetstream - TACC", uuid="00000000-0000-0000-0000-000000000002")
GEO = Project(name="Geo Project", uuid="ae555420-09a0-5f7f-a681-42cd85996531")
UBUNTU = Image(name="Ubuntu 18.04 Devel and Docker", uuid="e740aeb9-9fea-51fe-b8dc-a05eb632228a")
GRANT = AllocationSource(name="TG-GEO160014", uuid="c973da3f-a5ee-511f-965d-026f2f15a9e3")

FLEET = [
    an_instance("web", number=1, project=GEO, image=UBUNTU, allocation_source=GRANT),
    an_instance("web", "shutoff", number=2, provider=TEXAS),
    an_instance("geo-node-01", number=3, project=GEO),
    an_instance("geo-node-02", "suspended", number=4, flavor=Flavor(name="m1.large", vcpus=10)),
    an_instance("gpu[1]", "shutoff", number=5, image=UBUNTU),
    an_instance("gpu1", number=6),
    an_instance("a*", number=7),
    an_instance("abc", number=8),
]


def chosen(**options: Any) -> tuple[list[int | str], tuple[str, ...]]:
    """Return the numbers of the selected instances, and the problems."""
    selection = select(FLEET, Selector.from_options(options, INSTANCE_FILTERS.argument_spec), INSTANCE_FIELDS)
    return [each.id for each in selection.things], selection.problems


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"name": ["geo-node-01"]}, [3]),
        ({"name": ["geo-*"]}, [3, 4]),
        ({"name": ["geo-node-0[2-9]"]}, [4]),
        ({"name": ["Geo-*"]}, []),
        ({"name": ["w?b"]}, [1, 2]),
        ({"name": ["*"]}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"id": ["2"]}, [2]),
        ({"id": [" 2 ", "1"]}, [1, 2]),
        ({"uuid": [FLEET[3].uuid]}, [4]),
        ({"uuid": [FLEET[3].uuid.upper()]}, [4]),
        ({"name": ["gpu1"], "id": ["1"], "uuid": [FLEET[2].uuid]}, [1, 3, 6]),
        ({"status": ["shutoff"]}, [2, 5]),
        ({"status": ["shutoff", "suspended"]}, [2, 4, 5]),
        ({"project": ["Geo Project"]}, [1, 3]),
        ({"project": ["Geo*"]}, [1, 3]),
        ({"project": [GEO.uuid]}, [1, 3]),
        ({"flavor": ["m1.large"]}, [4]),
        ({"flavor": ["m1.*"]}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"image": ["Ubuntu*"]}, [1, 5]),
        ({"image": [str(UBUNTU.uuid)]}, [1, 5]),
        ({"provider": ["*TACC"]}, [2]),
        ({"provider": [INDIANA.uuid]}, [1, 3, 4, 5, 6, 7, 8]),
        ({"allocation_source": ["TG-GEO160014"]}, [1]),
        ({"status": ["active"], "project": ["Geo Project"]}, [1, 3]),
        ({"name": ["geo-*"], "status": ["active"]}, [3]),
        ({"exclude": ["web", "geo-*"]}, [5, 6, 7, 8]),
        # A name may also be a number or a UUID, to select and to exclude.
        ({"name": ["3", FLEET[3].uuid.upper(), "gpu1"]}, [3, 4, 6]),
        ({"exclude": ["3", FLEET[3].uuid.upper(), "gpu1"]}, [1, 2, 5, 7, 8]),
        ({"name": ["geo-*"], "exclude": ["geo-node-01"]}, [4]),
        # A name that is also a glob selects the one instance of that name, if there is one.
        ({"name": ["gpu[1]"]}, [5]),
        ({"name": ["a*"]}, [7]),
        # To exclude, it is a glob as well: what was to be kept must not be changed for a name that happens to be there.
        ({"exclude": ["a*"]}, [1, 2, 3, 4, 5, 6]),
        # A glob may match nothing today.
        ({"name": ["bio-*"], "exclude": ["chem-*"]}, []),
        ({"project": ["Bio*"]}, []),
        # No instance has to be in the state.
        ({"status": ["paused"]}, []),
    ],
)
def test_the_options_select(options: dict[str, Any], numbers: list[int]) -> None:
    assert chosen(**options) == (numbers, ())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": ["geo-nod-01"]}, "name: geo-nod-01 does not exist. Did you mean geo-node-01?"),
        ({"name": ["zzz"]}, "name: zzz does not exist."),
        ({"exclude": ["wbe"]}, "exclude: wbe does not exist. Did you mean web?"),
        ({"id": ["99"]}, "The id 99 does not exist."),
        ({"uuid": ["103585ce"]}, "The uuid 103585ce does not exist."),
        ({"name": ["web"]}, "The name web is ambiguous. Use an ID (1, 2)."),
        ({"name": [""]}, "name: an empty name does not exist."),
        ({"project": ["Geo Projct"]}, "project: there is no project Geo Projct. Did you mean Geo Project?"),
        ({"project": ["geo project"]}, "project: there is no project geo project. Did you mean Geo Project?"),
        ({"flavor": ["m1.lrage"]}, "flavor: there is no flavor m1.lrage. Did you mean m1.large?"),
        ({"image": ["CentOS 7"]}, "image: there is no image CentOS 7."),
        (
            {"provider": ["Jetstream - TAC"]},
            "provider: there is no provider Jetstream - TAC. Did you mean Jetstream - TACC?",
        ),
        (
            {"allocation_source": ["TG-GEO160015"]},
            "allocation_source: there is no allocation source TG-GEO160015. Did you mean TG-GEO160014?",
        ),
    ],
)
def test_an_unknown_or_ambiguous_value_is_reported(options: dict[str, Any], complaint: str) -> None:
    assert chosen(**options)[1] == (complaint,)
    with pytest.raises(SelectionError) as raised:
        select_to_change(
            FLEET,
            Selector.from_options(options | {"all": "exclude" in options}, INSTANCE_FILTERS.argument_spec),
            INSTANCE_FIELDS,
        )
    assert str(raised.value) == complaint


def test_a_glob_that_excludes_nothing_is_reported() -> None:
    """With a mistyped one, everything is stopped that it was to keep."""
    selector = Selector(everything=True, exclude=("goe-*", "geo-*", "7"))
    selection = select_to_change(FLEET, selector, INSTANCE_FIELDS)
    assert selection.unmatched == ("exclude: goe-* matches nothing, so it excludes nothing.",)
    assert selection.warnings == selection.unmatched
    in_vain = Selector(everything=True, exclude=("goe-*",))
    assert select_to_change([], in_vain, INSTANCE_FIELDS).unmatched == ()


def test_in_an_account_without_instances_no_value_is_reported_as_unknown() -> None:
    selector = Selector.from_options({"project": ["Geo Project"], "owner": ["janeroe"]}, INSTANCE_FILTERS.argument_spec)
    assert select_to_change([], selector, INSTANCE_FIELDS).things == ()


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        (
            {"name": ["web", "zzz"]},
            ("The name web is ambiguous. Use an ID (1, 2).", "name: zzz does not exist."),
        ),
        ({"id": ["98", "99"]}, ("The id 98 does not exist.", "The id 99 does not exist.")),
        (
            {"project": ["Geo Project", "Geo*", "zzz"], "image": ["yyy"]},
            ("project: there is no project zzz.", "image: there is no image yyy."),
        ),
    ],
)
def test_every_unknown_or_ambiguous_value_is_reported(options: dict[str, Any], problems: tuple[str, ...]) -> None:
    assert chosen(**options)[1] == problems
    with pytest.raises(SelectionError) as raised:
        select_to_change(FLEET, Selector.from_options(options, INSTANCE_FILTERS.argument_spec), INSTANCE_FIELDS)
    assert str(raised.value) == " ".join(problems)


def test_numbers_and_uuids_are_compared_without_regard_to_case() -> None:
    fleet = [an_instance("web"), replace(an_instance("db", number=2), id="5fA")]
    for options in ({"id": ["5Fa"]}, {"name": ["5Fa"]}, {"exclude": ["web"], "name": ["5fa"]}):
        selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec)
        assert select_to_change(fleet, selector, INSTANCE_FIELDS).things == (fleet[1],)


OTHERS: Sequence[dict[str, Any]] = (
    {"all": True},
    {"status": ["active"]},
    {"project": ["Geo Project"]},
    {"id": ["3"]},
)
IDENTIFYING = [name for name in IDENTIFIERS.argument_spec if name != "exclude"]


@pytest.mark.parametrize(
    ("option", "other"),
    [
        *((option, other) for option in INSTANCE_FILTERS.argument_spec for other in OTHERS if option not in other),
        *((option, other) for option in IDENTIFYING for other in OTHERS[:3]),
    ],
)
def test_an_empty_list_selects_nothing_and_null_is_no_option(option: str, other: dict[str, Any]) -> None:
    def selected(**given: Any) -> Selection[Instance]:
        return select(FLEET, Selector.from_options({**other, **given}, INSTANCE_FILTERS.argument_spec), INSTANCE_FIELDS)

    reason = f"{option} is an empty list, so nothing is selected."
    assert selected(**{option: []}) == Selection((), (), reason)
    assert selected(**{option: None}) == selected() != Selection(())


@pytest.mark.parametrize("option", [*IDENTIFYING, *INSTANCE_FILTERS.argument_spec])
def test_an_empty_list_alone_is_a_selection(option: str) -> None:
    selector = Selector.from_options({option: []}, INSTANCE_FILTERS.argument_spec)
    assert select_to_change(FLEET, selector, INSTANCE_FIELDS).things == ()


def test_an_empty_list_excludes_nothing() -> None:
    assert chosen(all=True, exclude=[]) == chosen(all=True)


def test_an_empty_list_with_a_name_takes_nothing_away() -> None:
    assert chosen(name=[], id=["3"]) == ([3], ())
    assert Selector(names=(), ids=("3",)).empty_because is None


def test_several_empty_lists_are_all_named() -> None:
    selector = Selector(names=(), filters={"project": ()})
    assert selector.empty_because == "name and project are empty lists, so nothing is selected."


def test_a_name_that_is_the_number_of_another_is_ambiguous() -> None:
    fleet = [an_instance("7", number=1), an_instance("web", number=7)]
    with pytest.raises(SelectionError) as raised:
        select_to_change(fleet, Selector(names=("7",)), INSTANCE_FIELDS)
    assert str(raised.value) == "The name 7 is ambiguous. Use an ID (1, 7)."
    # Both are excluded by it.
    assert select_to_change(fleet, Selector(everything=True, exclude=("7",)), INSTANCE_FIELDS).things == ()


def test_without_a_selection_nothing_is_changed() -> None:
    with pytest.raises(SelectionError) as raised:
        select_to_change(FLEET, Selector.from_options({"exclude": ["web"]}, ()), INSTANCE_FIELDS)
    assert str(raised.value) == (
        "No instances selected. Set name, id, uuid or a filter, or all: true for all instances of the account."
    )
    everything = select_to_change(FLEET, Selector.from_options({"all": True}, ()), INSTANCE_FIELDS)
    assert list(everything.things) == FLEET


@pytest.mark.parametrize(
    ("names", "found", "problems"),
    [
        (None, ["TG-GEO160014", "TG-OVER0001"], ()),
        ((), [], ()),
        (("TG-*",), ["TG-GEO160014", "TG-OVER0001"], ()),
        (("TG-OVER0001", GRANT.uuid), ["TG-GEO160014", "TG-OVER0001"], ()),
        (("TG-GEO160015",), [], ("name: TG-GEO160015 does not exist. Did you mean TG-GEO160014?",)),
    ],
)
def test_allocation_sources_are_selected_by_name(
    names: tuple[str, ...] | None, found: list[str], problems: tuple[str, ...]
) -> None:
    selection = select_by_name([GRANT, AllocationSource(name="TG-OVER0001", uuid="e85df46e")], names)
    assert ([each.name for each in selection.things], selection.problems) == (found, problems)


def test_allocation_sources_of_the_same_name_are_all_selected() -> None:
    sources = [GRANT, AllocationSource(name=GRANT.name, uuid="e85df46e")]
    assert select_by_name(sources, [GRANT.name]) == Selection(tuple(sources))


def test_volumes_are_selected() -> None:
    def a_volume(name: str, number: int, status: str | None) -> Volume:
        return Volume(number, f"uuid-{number}", name, 10, status, INDIANA, JOHNDOE, "johndoe", "johndoe", project=GEO)

    volumes = [a_volume("data", 1, "in-use"), a_volume("scratch", 2, "available"), a_volume("old", 3, None)]
    selector = Selector.from_options(
        {"status": ["in-use", "available"], "project": ["Geo*"]}, VOLUME_FILTERS.argument_spec
    )
    assert [each.id for each in select(volumes, selector, VOLUME_FIELDS).things] == [1, 2]


# --- owners ----------------------------------------------------------------------------------------------------------

SHARED = [
    an_instance("web", number=1),
    an_instance("jane-1", number=2, owner="janeroe"),
    an_instance("jane-2", "shutoff", number=3, owner="janeroe"),
    an_instance("web", number=4, owner="0123abcd"),
    an_instance("lab-1", number=5),
    an_instance("lab-2", number=6, owner="janeroe"),
]


def shared(**options: Any) -> Selection[Instance]:
    """Select as johndoe, whose name is read only if it matters."""
    accounts = iter([CloudAccount("example.org", "Atmosphere", "JohnDoe")])
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec, owner=(ME,))
    return select(SHARED, selector.with_account(lambda: next(accounts)), INSTANCE_FIELDS)


@pytest.mark.parametrize(
    ("options", "numbers", "others"),
    [
        ({"all": True}, [1, 5], 4),
        ({"all": True, "owner": None}, [1, 5], 4),
        ({"all": True, "owner": ["me"]}, [1, 5], 4),
        ({"all": True, "owner": ["any"]}, [1, 2, 3, 4, 5, 6], 0),
        ({"all": True, "owner": ["me", "any"]}, [1, 2, 3, 4, 5, 6], 0),
        ({"all": True, "owner": ["janeroe"]}, [2, 3, 6], 3),
        ({"all": True, "owner": ["JaneRoe", "me"]}, [1, 2, 3, 5, 6], 1),
        ({"all": True, "owner": ["jane*"]}, [2, 3, 6], 3),
        ({"all": True, "owner": ["0123abcd"]}, [4], 5),
        ({"all": True, "owner": ["nobody-*"]}, [], 6),
        ({"status": ["shutoff"]}, [], 1),
        ({"all": True, "exclude": ["jane-1", "lab-*"]}, [1], 2),
        # Of two of the same name, the own one is selected.
        ({"name": ["web"]}, [1], 0),
        ({"name": ["lab-*"]}, [5], 1),
        ({"name": ["jane-*"]}, [], 2),
        ({"name": ["jane-1"], "owner": ["any"]}, [2], 0),
        ({"name": ["3"], "owner": ["janeroe"]}, [3], 0),
    ],
)
def test_the_things_of_other_owners_are_counted_and_not_selected(
    options: dict[str, Any], numbers: list[int], others: int
) -> None:
    selection = shared(**options)
    assert ([each.id for each in selection.things], selection.others, selection.problems) == (numbers, others, ())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": ["jane-1"]}, "jane-1 (2) belongs to janeroe, but owner is me. To select it, set owner: any."),
        ({"name": ["3"]}, "jane-2 (3) belongs to janeroe, but owner is me. To select it, set owner: any."),
        ({"id": ["2"]}, "jane-1 (2) belongs to janeroe, but owner is me. To select it, set owner: any."),
        (
            {"uuid": [SHARED[1].uuid], "owner": ["0123abcd"]},
            "jane-1 (2) belongs to janeroe, but owner is 0123abcd. To select it, set owner: any.",
        ),
        ({"all": True, "owner": ["janero"]}, "owner: janero owns nothing here. Did you mean janeroe?"),
        (
            {"id": ["4"], "owner": ["janeroe", "me"]},
            "web (4) belongs to 0123abcd, but owner is janeroe, me. To select it, set owner: any.",
        ),
        ({"all": True, "owner": ["zzz"]}, "owner: zzz owns nothing here."),
        ({"name": ["web"], "owner": ["any"]}, "The name web is ambiguous. Use an ID (1, 4)."),
    ],
)
def test_naming_the_thing_of_another_owner_is_refused_with_the_remedy(options: dict[str, Any], complaint: str) -> None:
    assert shared(**options).problems == (complaint,)


def test_each_name_of_another_owners_thing_is_reported() -> None:
    assert shared(name=["zzz", "jane-1", "jane-2", "yyy"]).problems == (
        "name: zzz does not exist.",
        "jane-1 (2) belongs to janeroe, but owner is me. To select it, set owner: any.",
        "jane-2 (3) belongs to janeroe, but owner is me. To select it, set owner: any.",
        "name: yyy does not exist.",
    )


@pytest.mark.parametrize(("owners", "is_selected"), [(["any"], True), (["*"], True), (["?*"], False), (["me"], False)])
def test_a_thing_whose_owner_is_unknown_is_selected_for_any_alone(owners: list[str], is_selected: bool) -> None:
    stray = an_instance("stray", owner="")
    selector = replace(Selector.from_options({"owner": owners, "name": ["stray"]}, ()), own_name="johndoe")
    selection = select([stray], selector, INSTANCE_FIELDS)
    assert selection.things == ((stray,) if is_selected else ())
    complaint = f"stray (1) belongs to an unknown user, but owner is {owners[0]}. To select it, set owner: any."
    assert selection.problems == (() if is_selected else (complaint,))


@pytest.mark.parametrize(
    ("owners", "is_meant"),
    [(("any",), True), (("me",), True), (("janeroe",), False), (("JOHN*",), True), (("JohnDoe",), True), ((), False)],
)
def test_owners_are_compared_without_regard_to_case(owners: tuple[str, ...], is_meant: bool) -> None:
    assert Selector(owners=owners, own_name="JOHNDOE").is_of_owner("johndoe") == is_meant


def test_an_empty_list_of_owners_selects_nothing() -> None:
    assert shared(all=True, owner=[]) == Selection((), (), "owner is an empty list, so nothing is selected.", 6)


def test_the_own_name_is_not_requested_where_it_does_not_matter() -> None:
    def never() -> CloudAccount:
        raise AssertionError

    for owners in ((ANY,), ("janeroe",), (ME, ANY), ()):
        assert Selector(owners=owners).with_account(never).own_name is None


@given(
    owners=st.lists(st.sampled_from(["me", "any", "janeroe", "jane*", "0123abcd", "x"]), max_size=3),
    name=st.sampled_from([None, [], ["web"], ["jane-*"], ["5", "lab-2"], ["*"]]),
    status=st.sampled_from([None, ["active"], ["shutoff"]]),
    exclude=st.sampled_from([[], ["lab-*"], ["web", "2"]]),
)
def test_nothing_that_is_selected_is_sorted_out_before_its_state_is_known(
    owners: list[str], name: list[str] | None, status: list[str] | None, exclude: list[str]
) -> None:
    options = {"owner": owners, "name": name, "status": status, "exclude": exclude}
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec).with_account(
        lambda: CloudAccount("example.org", "Atmosphere", "johndoe")
    )
    possible = may_select(selector, INSTANCE_FIELDS)
    assert all(possible(replace(each, status="unknown")) for each in select(SHARED, selector, INSTANCE_FIELDS).things)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, [1, 5]),
        ({"owner": ["any"]}, [1, 2, 3, 4, 5, 6]),
        ({"owner": ["jane*"]}, [2, 3, 6]),
        ({"name": ["web"], "owner": ["any"]}, [1, 4]),
        ({"name": ["lab-*", "2"], "owner": ["any"]}, [2, 5, 6]),
        ({"id": ["2"], "owner": ["any"]}, [2]),
        ({"name": []}, []),
        ({"provider": ["*TACC"], "owner": ["any"]}, [3]),
        # These are not known yet.
        ({"status": ["paused"], "image": ["zzz"]}, [1, 5]),
    ],
)
def test_others_are_sorted_out_before_their_state_is_read(options: dict[str, Any], numbers: list[int]) -> None:
    selector = replace(Selector.from_options(options, INSTANCE_FILTERS.argument_spec, owner=(ME,)), own_name="johndoe")
    fleet = [replace(each, provider=TEXAS) if each.id == 3 else each for each in SHARED]
    assert [each.id for each in fleet if may_select(selector, INSTANCE_FIELDS)(each)] == numbers


# Few letters, so that names and patterns meet; the brackets of globs among them.
NAMES = st.text(alphabet="ab*?[]!-1", max_size=4)
FLEETS = st.lists(st.tuples(NAMES, st.sampled_from(["active", "shutoff"])), max_size=6).map(
    lambda rows: [an_instance(name, status, number=number) for number, (name, status) in enumerate(rows, start=1)]
)


@given(fleet=FLEETS, names=st.lists(NAMES, max_size=3), exclude=st.lists(NAMES, max_size=2))
def test_names_add_up_and_excluded_ones_are_out(
    fleet: Sequence[Instance], names: list[str], exclude: list[str]
) -> None:
    def picked(**options: Any) -> list[str]:
        selection = select(fleet, Selector.from_options(options, ()), INSTANCE_FIELDS)
        return [each.uuid for each in selection.things]

    everything = [each.uuid for each in fleet]
    together = picked(name=names)
    assert together == [uuid for uuid in everything if uuid in together], "in the order they came in, each once"
    apart = {uuid for name in names for uuid in picked(name=[name])}
    assert set(together) == apart
    left = picked(name=names, exclude=exclude)
    out = {uuid for uuid in everything if uuid not in picked(exclude=exclude)}
    assert left == [uuid for uuid in together if uuid not in out]


@given(fleet=FLEETS, name=NAMES)
def test_a_name_selects_things_of_that_name_or_else_as_a_glob(fleet: Sequence[Instance], name: str) -> None:
    selection = select(fleet, Selector(names=(name,)), INSTANCE_FIELDS)
    exact = [each for each in fleet if name in (each.name, str(each.id))]
    assert list(selection.things) == (exact or [each for each in fleet if fnmatchcase(each.name, name)])
    if len(exact) > 1:
        assert selection.problems
    if not selection.things and not set("*?[") & set(name):
        assert selection.problems
