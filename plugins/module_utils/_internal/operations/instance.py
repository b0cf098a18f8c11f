# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ..catalog import OfferedFlavor
from ..cloud import Cloud
from ..errors import FATAL_ERRORS, ConfigurationError, JetstreamError, SelectionError
from ..files import read_file
from ..fleet.launching.differences import changes, differences
from ..fleet.launching.keys import imported, public_key_of, require_key_name, require_same
from ..fleet.launching.launch import launch
from ..fleet.launching.launch_runs import (
    FleetLaunch,
    LaunchRun,
    LaunchSettings,
    WaitFor,
    is_awaited,
    lacks_address,
)
from ..fleet.launching.names import NameTemplate, is_template, require_names
from ..fleet.launching.plans import (
    LaunchPlan,
    Present,
    Wanted,
    after_removal,
    being_deleted,
    compared,
    is_gone,
    plan_launch,
    plan_removal,
    removal_strangers,
    renamed,
)
from ..fleet.launching.preview import as_it_will_be, preview_launch
from ..fleet.launching.removal import (
    FleetRemoval,
    RemovalRun,
    RemovalSettings,
    preview_removal,
    refused_removal,
    remove,
    unfinished,
)
from ..fleet.launching.removal_notes import RemovalNotes
from ..fleet.runs import state_text
from ..fleet.selection import ME, Selector, owned_by_another
from ..model import (
    NO_GROWTH,
    UNKNOWN,
    AssignedAddress,
    BootVolume,
    Change,
    ChangeKind,
    Flavor,
    Growth,
    Instance,
    KeyPair,
    LaunchOptions,
    Outcome,
)
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec, as_texts, refuse_blank, refuse_glob, require_time
from ..policy.controller import spared, this_machine
from ..resending import Resender
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line
from ..usage.costs import NOT_THERE, CostedState, InstanceCost, cost_lines, costed, costed_instance, total_costs
from ..usage.rates import Rates, number_if_known
from .floating_ip import require_free

_STRINGS = {"type": "list", "elements": "str"}
# Options of a launch that one kind of cloud may not have.
_LAUNCH_OPTIONS = (
    "image",
    "flavor",
    "network",
    "key_name",
    "public_key",
    "security_groups",
    "user_data",
    "user_data_by_name",
    "metadata",
    "description",
    "boot_volume",
    "floating_ip",
    "locked",
    "project",
    "allocation_source",
    "identity",
)
# Each can be given as a file as well.
_FILES = ("public_key", "user_data")
_FILE_OPTIONS = tuple(f"{each}_file" for each in _FILES)
_NAMES = ("image", "flavor", "network", "key_name", "floating_ip", "project", "allocation_source", "identity")
_SWITCHES = ("shrink", "delete_volumes", "release_floating_ip")
_ONLY_WITH_WAIT = ("delete_volumes", "release_floating_ip")

_OPTIONS = ModuleSpec(
    argument_spec={
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "name": {"type": "str"},
        "names": _STRINGS,
        "count": {"type": "int"},
        "shrink": {"type": "bool", "default": False},
        "image": {"type": "str"},
        "flavor": {"type": "str", "aliases": ["size"]},
        "network": {"type": "str"},
        "key_name": {"type": "str"},
        "public_key": {"type": "str"},
        "public_key_file": {"type": "path"},
        "security_groups": _STRINGS,
        # Passwords and keys are often in it.
        "user_data": {"type": "str", "no_log": True},
        "user_data_file": {"type": "path"},
        "user_data_by_name": {"type": "dict", "no_log": True},
        "metadata": {"type": "dict"},
        "description": {"type": "str"},
        "boot_volume": {
            "type": "dict",
            "options": {
                "size": {"type": "int", "required": True},
                "deleted_with_instance": {"type": "bool", "default": True},
            },
        },
        "floating_ip": {"type": "str"},
        "project": {"type": "str"},
        "allocation_source": {"type": "str"},
        "identity": {"type": "str"},
        "locked": {"type": "bool"},
        "owner": {"type": "list", "elements": "str", "default": [ME]},
        "new_name": {"type": "str"},
        "replace": {"type": "bool", "default": False},
        "exosphere": {"type": "bool", "default": True},
        "initial_state": {"type": "str", "default": "started", "choices": ["started", "shelved"]},
        "wait_for": {"type": "str", "default": "active", "choices": [each.value for each in WaitFor]},
        "capacity_retries": {"type": "int", "default": 2},
        "include_locked": {"type": "bool", "default": False},
        "delete_volumes": {"type": "bool", "default": False},
        "release_floating_ip": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 1800.0},
    },
    mutually_exclusive=(
        ("name", "names"),
        ("names", "count"),
        ("public_key", "public_key_file"),
        ("user_data", "user_data_file"),
    ),
    required_one_of=(("name", "names"),),
    required_by={"public_key": ("key_name",), "public_key_file": ("key_name",)},
)
SPEC = CONNECTION + RATES + _OPTIONS
_STATE = Path(".local/state/jetstream")
# No project of either cloud has as many. A count beyond it is a mistake, such as that of a size in MB.
_MOST = 10_000
# More failed instances than these are counted in the message, and named in the results only.
_NAMED_IN_MESSAGE = 3


def instance(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Launch what is missing of the named instances, or delete them."""
    options = _with_files(options)
    rates = Rates.from_options(options["rates"])
    _check(options)
    wanted = _wanted(options)
    started_at = context.clock.monotonic()
    cloud.limit(started_at + options["wait_timeout"])
    if wanted.names == () and wanted.template is None:
        return Outcome(_result([], [], rates), warnings=("names is an empty list, so nothing was changed.",))
    _require_supported(cloud, wanted, options)
    if options["state"] == "present":
        _require_meant(wanted, options["new_name"], options["user_data_by_name"] or {})
        cloud.launcher().check(_launch_options(options))
    meant = replace(wanted, names=(*wanted.names, *([options["new_name"]] if options["new_name"] else [])))

    def list_everyones() -> list[Instance]:
        return cloud.list_instances(live=True, images=False, wanted=meant.may_mean, unreadable=True)

    everyones = list_everyones()
    if _may_lack(everyones, options["new_name"], meant):
        everyones = list_everyones()
    _refuse_uuids(meant.names, everyones)
    _refuse_globs(meant, everyones)
    listed = _meant(cloud, meant, everyones, options)
    if options["state"] == "absent":
        return _absent(cloud, wanted, listed, options, context, started_at)
    return _present(cloud, wanted, listed, options, context, started_at)


OPERATION = on_cloud(instance)


def _may_lack(everyones: Sequence[Instance], new_name: str | None, meant: Wanted) -> bool:
    """Return whether a list may lack an instance of the task, so that it is read once more. Both cases are rare.

    One whose row has no name would be launched a second time, or not be deleted. So would one that is to be renamed,
    under its new name.
    """
    nameless = any(each.name == (UNKNOWN if each.read_error else each.uuid) for each in everyones)
    return nameless or (new_name is not None and not any(map(meant.may_mean, everyones)))


# --- options


def _with_files(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the contents of the files in the place of those that files stand for."""
    read = {name: _text_of(f"{name}_file", options[f"{name}_file"]) for name in _FILES if options[f"{name}_file"]}
    return {**options, **read}


def _text_of(option: str, path: str) -> str:
    try:
        return read_file(Path(path)).decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{option}: {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError:
        # Raised below: the original error holds the file, which may have secrets.
        pass
    raise ConfigurationError(f"{option}: {path} is not UTF-8 text.")


def _check(options: Mapping[str, Any]) -> None:
    require_time(options)
    refuse_blank(options, (*_NAMES, *_FILE_OPTIONS))
    _check_floating_ip(options["floating_ip"])
    if options["count"] is not None and not 0 <= options["count"] <= _MOST:
        raise ConfigurationError(f"count must be between 0 and {_MOST}.")
    if options["capacity_retries"] < 0:
        raise ConfigurationError("capacity_retries must be 0 or more.")
    absent = options["state"] == "absent"
    if absent and options["count"] is not None:
        name = options["name"]
        template = name if is_template(name) else f"{name}-{{number}}"
        raise ConfigurationError(
            "state: absent deletes all instances of a template, and does not accept count.",
            hint=f"To delete all, set name: {template} without count. To keep some of them, use state: present with "
            "the remaining count, and shrink: true.",
        )
    if options["shrink"] and (absent or options["count"] is None):
        raise ConfigurationError("shrink requires state: present and count.")
    if options["new_name"] is not None:
        if absent or options["names"] is not None or options["count"] is not None:
            raise ConfigurationError("new_name requires name, the instance to rename.")
        require_names([options["new_name"]])
        if is_template(options["new_name"]):
            raise ConfigurationError(f"new_name: {options['new_name']} is a template, and no name.")
    if not options["wait"]:
        _check_without_wait(options)
    if (options["boot_volume"] or {"size": 1})["size"] < 1:
        raise ConfigurationError("boot_volume: size must be 1 GB or more.")


def _check_floating_ip(given: str | None) -> None:
    if given in (None, "auto", "none"):
        return
    try:
        ip_address(str(given))
    except ValueError:
        raise ConfigurationError(
            f"floating_ip is {one_line(str(given))}, but must be auto, none or an address."
        ) from None


def _check_without_wait(options: Mapping[str, Any]) -> None:
    later = [name for name in _ONLY_WITH_WAIT if options[name]]
    later += ["floating_ip"] if options["floating_ip"] not in (None, "none") else []
    later += ["initial_state: shelved"] if options["initial_state"] == "shelved" else []
    # While it builds an instance, nova fails to lock it, and has given it the default group.
    later += ["locked: true"] if options["locked"] and options["state"] == "present" else []
    later += ["security_groups: []"] if options["security_groups"] == [] else []
    later += [f"wait_for: {options['wait_for']}"] if options["wait_for"] != WaitFor.ACTIVE.value else []
    later += [name for name in ("shrink", "replace") if options[name]]
    if later:
        raise ConfigurationError(f"{' and '.join(later)} require wait: true.")


def _wanted(options: Mapping[str, Any]) -> Wanted:
    """Return which instances are named. An empty name is none: it must not stand for all."""
    if options["names"] is not None:
        names = tuple(options["names"])
        require_names(names)
        templates = [each for each in names if is_template(each)]
        if templates:
            raise ConfigurationError(f"names: {templates[0]} is a template.", hint="Set it as name, with a count.")
        return Wanted(names=names)
    name = options["name"]
    if options["count"] is None and not is_template(name):
        require_names([name])
        return Wanted(names=(name,))
    if options["count"] is None and options["state"] == "present":
        raise ConfigurationError(f"name: {name} is a template, but count is not set.", hint="Set count.")
    require_names([name])
    template = NameTemplate.parse(name)
    require_names([template.name(max(1, options["count"] or 1))])
    return Wanted(template=template, count=options["count"])


def _require_supported(cloud: Cloud, wanted: Wanted, options: Mapping[str, Any]) -> None:
    """Refuse options that this cloud does not have, before anything is sent."""
    unsupported = cloud.launcher().unsupported
    given = [name for name in _LAUNCH_OPTIONS if options[name] is not None]
    given += [name for name in _SWITCHES if options[name]]
    address = options["floating_ip"]
    if address is not None and address != "auto":
        given.append("floating_ip: none" if address == "none" else "floating_ip: address")
    if options["state"] == "absent" and wanted.template is not None:
        given.append("absent: template")
    for name in given:
        if name in unsupported:
            raise ConfigurationError(f"{name} is not available here: {unsupported[name]}.")


def _require_meant(wanted: Wanted, new_name: str | None, by_name: Mapping[str, Any]) -> None:
    """Refuse user data of an instance that is not named: a mistyped name would launch one without any."""
    for name, text in by_name.items():
        if not isinstance(text, str):
            raise ConfigurationError(f"user_data_by_name: the value of {name} is not text.")
        is_named = name in wanted.names or name == new_name
        if not is_named and (wanted.template is None or wanted.template.number(name) is None):
            guess = did_you_mean(name, wanted.names)
            raise SelectionError(f"user_data_by_name: {name} is not an instance of this task. {guess}".rstrip())


def _refuse_uuids(names: Sequence[str], everyones: Sequence[Instance]) -> None:
    """Refuse a UUID in the place of a name: it would name another instance, or none that is to be deleted."""
    there = {each.uuid.lower(): each for each in everyones if not is_gone(each)}
    known = {each.name for each in there.values()}
    for name in names:
        found = there.get(name.lower())
        if found is not None and name not in known:
            raise SelectionError(f"{name} is the UUID of {found.label}, not its name.", hint="Set its name.")


def _refuse_globs(meant: Wanted, everyones: Sequence[Instance]) -> None:
    """Refuse a glob, which names no instance here, but in the modules that stop and list instances."""
    known = {each.name for each in everyones}
    names = (*meant.names, *([] if meant.template is None else [meant.template.text]))
    for name in names:
        if name not in known:
            refuse_glob("name", name)


def _launch_options(options: Mapping[str, Any]) -> LaunchOptions:
    boot, groups, metadata = options["boot_volume"], options["security_groups"], options["metadata"]
    return LaunchOptions(
        image=options["image"],
        flavor=options["flavor"],
        network=options["network"],
        key_name=options["key_name"],
        public_key=None if options["public_key"] is None else public_key_of(options["public_key"]),
        security_groups=None if groups is None else tuple(groups),
        user_data=options["user_data"],
        user_data_by_name=_user_data_by_name(options),
        metadata=None if metadata is None else as_texts("metadata", metadata),
        description=options["description"],
        boot_volume=BootVolume(boot["size"], boot["deleted_with_instance"]) if boot else None,
        floating_ip=options["floating_ip"],
        locked=options["locked"],
        exosphere=options["exosphere"],
        project=options["project"],
        allocation_source=options["allocation_source"],
        identity=options["identity"],
    )


def _user_data_by_name(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the user data of single instances. One that is renamed may be launched by its new name at once."""
    given = dict(options["user_data_by_name"] or {})
    if options["new_name"] is not None and options["name"] in given:
        given.setdefault(options["new_name"], given[options["name"]])
    return given


def _meant(cloud: Cloud, wanted: Wanted, everyones: Sequence[Instance], options: Mapping[str, Any]) -> list[Instance]:
    """Return the instances that a task may mean: those of its owners, and those that this collection launched.

    Of a template, all of the project count, and no other one is changed. Raises SelectionError for a name that only an
    instance of another user has: it is neither changed nor deleted, and at Jetstream2 none is launched beside it.
    """
    account = cloud.account()
    selector = Selector(owners=tuple(options["owner"])).with_account(cloud.account)

    def is_ours(instance: Instance) -> bool:
        return account.user is None or selector.is_of_owner(instance.owner) or instance.facts.group is not None

    if wanted.template is not None:
        return [each for each in everyones if is_ours(each) or account.answers_for(each.owner)]
    ours = [each for each in everyones if is_ours(each)]
    known = {each.name for each in ours if not is_gone(each)}
    for each in everyones:
        is_in_the_way = options["state"] == "absent" or account.answers_for(each.owner)
        if each.name in wanted.names and each.name not in known and not is_gone(each) and is_in_the_way:
            raise SelectionError(owned_by_another(each.label, each.owner, options["owner"]))
    return ours


# --- present


def _present(
    cloud: Cloud,
    wanted: Wanted,
    listed: Sequence[Instance],
    options: Mapping[str, Any],
    context: Context,
    started_at: float,
) -> Outcome:
    made_of = _launch_options(options)
    wanted = renamed(wanted, options["new_name"], listed)
    plan = plan_launch(wanted, listed)
    if made_of.wants_address and made_of.floating_ip != "auto" and len(plan.present) > 1:
        raise ConfigurationError(f"floating_ip: {made_of.floating_ip} cannot be assigned to more than one instance.")
    offered = _offered_flavors(cloud, plan, listed, made_of.flavor)
    made_of = _with_flavor_name(made_of, offered)
    _require_address(cloud, plan, made_of)
    plan = _without_addresses(cloud, plan, made_of)
    plan, doomed = compared(_with_image_names(cloud, plan, made_of), made_of, replace_them=options["replace"])
    surplus = plan.surplus if options["shrink"] else ()
    _refuse_own_machine(wanted, (*doomed, *surplus))
    settings = LaunchSettings(
        options=made_of,
        group=wanted.group,
        wait_for=WaitFor(options["wait_for"]),
        shelved=options["initial_state"] == "shelved",
        wait=options["wait"],
        timeout=options["wait_timeout"],
        capacity_retries=options["capacity_retries"],
        changes=_changes(cloud, plan, made_of, options["new_name"]),
        flavor=_flavor_named(made_of.flavor, listed, offered),
        given_addresses=cloud.launcher().gives_addresses,
    )
    addresses = _addresses(cloud, plan, doomed, settings)
    growth = _growth(cloud, plan, doomed, settings, addresses)
    count = len(plan.missing)
    key, recipe = None, None
    if count or doomed:
        key = _key_to_import(cloud, made_of)
        recipe = cloud.launcher().prepare(made_of, count, growth)
        settings = replace(settings, flavor=recipe.flavor)
    elif growth != NO_GROWTH:
        cloud.launcher().require_room(settings.flavor, growth)
    removal_settings = replace(_removal_settings(options, wait=True), kept_address=made_of.floating_ip)
    work = _RemovalWork(cloud, context, removal_settings, started_at)
    if key is not None and not context.check_mode:
        imported(cloud.access_store(), key, Resender(context.clock, started_at + options["wait_timeout"]))
    plan = after_removal(plan, _left_over(work.remove(doomed)), options["new_name"])
    if context.check_mode:
        fleet = preview_launch(plan, recipe, settings, cloud.launcher().change_refusal, addresses)
    else:
        fleet = launch(cloud, plan, recipe, settings, context.clock, started_at=started_at, report=context.report)
    removal = FleetRemoval(())
    if fleet.aborted_by is None:
        removal = work.remove(surplus, resumed=work.unfinished(wanted, listed))
    warnings = _surplus_warnings(plan, shrink=options["shrink"])
    rates = Rates.from_options(options["rates"])
    return _with_key(_outcome(fleet, removal, settings.changes, rates, warnings=warnings), key)


def _refuse_own_machine(wanted: Wanted, doomed: Sequence[Instance]) -> None:
    """Raise SelectionError if the machine that the task runs on would be deleted without being named itself."""
    own = spared(doomed, this_machine(), lambda instance: instance.name in wanted.names)
    for each in doomed:
        if each.uuid in own:
            raise SelectionError(f"{each.label} would be deleted, but this task runs on it. No instance was changed.")


def _there(plan: LaunchPlan) -> list[Instance]:
    """Return the instances that the task may change."""
    return [each.instance for each in plan.present if each.instance and each.problem is None and each.meant]


def _offered_flavors(
    cloud: Cloud, plan: LaunchPlan, listed: Sequence[Instance], wanted: str | None
) -> Sequence[OfferedFlavor]:
    """Return what flavors there are, where an instance has another one than the task names; none if they are unread."""
    is_name = wanted in {each.flavor.name for each in listed}
    if wanted is None or is_name or not _there(plan):
        return ()
    try:
        return cloud.catalog().flavors()
    except FATAL_ERRORS:
        raise
    except JetstreamError:
        return ()


def _with_flavor_name(made_of: LaunchOptions, offered: Sequence[OfferedFlavor]) -> LaunchOptions:
    """Return the options with the name of a flavor that is given by its id: instances have its name."""
    if made_of.flavor in {each.name for each in offered}:
        return made_of
    named = (each.name for each in offered if made_of.flavor in (each.id, each.uuid))
    return replace(made_of, flavor=next(named, made_of.flavor))


def _require_address(cloud: Cloud, plan: LaunchPlan, made_of: LaunchOptions) -> None:
    """Refuse a floating IP that cannot be had, before anything is launched or changed."""
    if made_of.floating_ip in (None, "none", "auto"):
        return
    for each in plan.present:
        if each.instance is None or each.instance.ip_address != made_of.floating_ip:
            require_free(cloud, made_of.floating_ip, each.instance)


def _without_addresses(cloud: Cloud, plan: LaunchPlan, made_of: LaunchOptions) -> LaunchPlan:
    """Return the plan with the floating IPs of instances by the network's own word, if they are to have none.

    A list of instances may be minutes late in showing that an address was assigned or detached.
    """
    if made_of.floating_ip != "none":
        return plan
    asked = _there(plan)
    found = cloud.launcher().floating_addresses(asked)
    uuids = {each.uuid for each in asked}

    def with_address(present: Present) -> Present:
        instance = present.instance
        if instance is None or instance.uuid not in uuids:
            return present
        address = next((each.address for each in found.get(instance.uuid, ())), None)
        return replace(present, instance=replace(instance, ip_address=address))

    return replace(plan, present=tuple(with_address(each) for each in plan.present))


def _addresses(
    cloud: Cloud, plan: LaunchPlan, doomed: Sequence[Instance], settings: LaunchSettings
) -> Mapping[str, AssignedAddress | JetstreamError]:
    """Return which floating IPs the instances would have that are to get one, by the network's own word."""
    launcher, kept = cloud.launcher(), [each for each in _there(plan) if each not in doomed]
    if launcher.gives_addresses:
        # What it is still deploying, it gives one.
        kept = [each for each in kept if not is_awaited(each, wait=settings.wait)]
    later = [as_it_will_be(each, settings) for each in kept]
    return launcher.preview_addresses(
        settings.options, [each for each in later if lacks_address(each, settings.options)]
    )


def _growth(
    cloud: Cloud,
    plan: LaunchPlan,
    doomed: Sequence[Instance],
    settings: LaunchSettings,
    addresses: Mapping[str, AssignedAddress | JetstreamError],
) -> Growth:
    """Return what the task takes of quotas for the instances that are there."""
    made = [each for each in addresses.values() if not isinstance(each, JetstreamError) and not each.address]
    later = [as_it_will_be(each, settings) for each in _there(plan) if each not in doomed]
    resized = [each for each in later if _is_resized(cloud, each, settings.changes[each.name])]
    return Growth(tuple(doomed), tuple(resized), len(made))


def _is_resized(cloud: Cloud, instance: Instance, wanted: Sequence[Change]) -> bool:
    """Return whether a resize of an instance will be requested."""
    kinds = {each.kind: each for each in wanted}
    if ChangeKind.FLAVOR not in kinds or (instance.locked and ChangeKind.UNLOCK not in kinds):
        return False
    try:
        return cloud.launcher().change_refusal(instance, kinds[ChangeKind.FLAVOR]) is None
    except FATAL_ERRORS:
        raise
    except JetstreamError:
        # It fails that instance alone.
        return False


def _with_image_names(cloud: Cloud, plan: LaunchPlan, made_of: LaunchOptions) -> LaunchPlan:
    """Return the plan with the names of images, if one is missing to tell whether an instance differs.

    One that was launched by the UUID of its image has no other mark of it.
    """
    strange = {each.uuid for each in _there(plan) if any(found.name == "image" for found in differences(each, made_of))}
    if not strange:
        return plan
    named = {
        each.uuid: each.image
        for each in cloud.list_instances(live=True, images=True, wanted=lambda each: each.uuid in strange)
    }

    def with_name(present: Present) -> Present:
        instance = present.instance
        if instance is None or instance.uuid not in strange:
            return present
        return replace(present, instance=replace(instance, image=named.get(instance.uuid, instance.image)))

    return replace(plan, present=tuple(with_name(each) for each in plan.present))


def _key_to_import(cloud: Cloud, made_of: LaunchOptions) -> KeyPair | None:
    """Return the key pair that has to be imported before a launch. Raises ConfigurationError if its name is taken."""
    if made_of.key_name is None or made_of.public_key is None:
        return None
    wanted = KeyPair(made_of.key_name, made_of.public_key)
    found = cloud.access_store().get_key(wanted.name)
    if found is None:
        require_key_name(wanted.name)
        cloud.access_store().require_room_for_key()
        return wanted
    require_same(found, wanted, "Choose another key_name, or replace the existing key with jetstream_keypair.")
    return None


def _with_key(outcome: Outcome, key: KeyPair | None) -> Outcome:
    """Add the key pair that was imported, or would be, to an outcome."""
    if key is None:
        return outcome
    diff = dict(outcome.diff or {})
    for name, state in (("before", "absent"), ("after", "present")):
        diff[name] = f"key pair {one_line(key.name)}: {state}\n{diff.get(name, '')}"
    return replace(outcome, result={**outcome.result, "key_imported": True}, changed=True, diff=diff)


class _RemovalWork:
    """Deletes instances, or says which would be deleted (check mode)."""

    def __init__(self, cloud: Cloud, context: Context, settings: RemovalSettings, started_at: float) -> None:
        self._cloud = cloud
        self._context = context
        self._settings = settings
        self._started_at = started_at
        state = context.path_or_none(None, _STATE)
        self._notes = RemovalNotes(state, cloud.account())

    def unfinished(
        self, wanted: Wanted, listed: Sequence[Instance], deleting: Sequence[Instance] = ()
    ) -> list[RemovalRun]:
        """Return the runs that end what earlier ones have begun for what the task names. ``deleting``: see there."""
        notes = [each for each in self._notes.all() if wanted.means(each.name, each.group)]
        return unfinished(notes, self._settings, listed, deleting)

    def remove(self, instances: Sequence[Instance], *, resumed: Sequence[RemovalRun] = ()) -> FleetRemoval:
        """Delete instances, with what their volumes and addresses are to come to."""
        context = self._context
        if not instances and not resumed:
            return FleetRemoval(())
        if self._settings.wait:
            try:
                instances = self._cloud.launcher().with_volumes(instances)
            except JetstreamError as error:
                # What was launched before stays in the results.
                return refused_removal(instances, error)
        if context.check_mode:
            return preview_removal(self._cloud.launcher(), instances, self._settings, self._notes, resumed)
        return remove(
            self._cloud,
            instances,
            self._settings,
            context.clock,
            started_at=self._started_at,
            report=context.report,
            notes=self._notes,
            resumed=resumed,
        )


def _left_over(removal: FleetRemoval) -> dict[str, str | None]:
    """Return, by uuid, why an instance that was to be deleted is still there, or None."""
    return {run.before.uuid: None if run.now.status == "missing" else run.message for run in removal.runs}


def _removal_settings(options: Mapping[str, Any], *, wait: bool) -> RemovalSettings:
    return RemovalSettings(
        delete_volumes=options["delete_volumes"],
        release_addresses=options["release_floating_ip"],
        include_locked=options["include_locked"],
        wait=wait,
        timeout=options["wait_timeout"],
    )


def _changes(
    cloud: Cloud, plan: LaunchPlan, made_of: LaunchOptions, new_name: str | None
) -> dict[str, tuple[Change, ...]]:
    """Return the changes in place of the instances that are there, by name."""

    def found() -> dict[str, tuple[Change, ...]]:
        return {
            each.name: changes(each.instance, made_of, new_name)
            for each in plan.present
            if each.instance is not None and each.problem is None and each.meant
        }

    first = found()
    if not any(change.kind is ChangeKind.SECURITY_GROUPS for every in first.values() for change in every):
        return first
    # They may be given by UUID, and an instance has their names.
    made_of = replace(
        made_of, security_groups=tuple(cloud.launcher().security_group_names(made_of.security_groups or ()))
    )
    return found()


def _flavor_named(name: str | None, listed: Sequence[Instance], offered: Sequence[OfferedFlavor]) -> Flavor | None:
    """Return the flavor of a name, where no poll will show it; None if it could not be read."""
    known = [*(each.flavor for each in listed), *(each.flavor for each in offered)]
    return next((each for each in known if each.name == name), None)


def _surplus_warnings(plan: LaunchPlan, *, shrink: bool) -> tuple[str, ...]:
    warnings = []
    if plan.surplus and not shrink:
        warnings.append(f"{_named(plan.surplus)} beyond the count. To delete the highest numbers, set shrink: true.")
    if plan.strangers:
        warnings.append(f"{_named(plan.strangers)} beyond the count, but not launched by this task: not changed.")
    return tuple(warnings)


def _named(instances: Sequence[Instance]) -> str:
    shown = ", ".join(each.label for each in instances[:_NAMED_IN_MESSAGE])
    more = len(instances) - _NAMED_IN_MESSAGE
    return f"{shown}{f' and {more} more' if more > 0 else ''} {'is' if len(instances) == 1 else 'are'}"


# --- absent


def _absent(
    cloud: Cloud,
    wanted: Wanted,
    listed: Sequence[Instance],
    options: Mapping[str, Any],
    context: Context,
    started_at: float,
) -> Outcome:
    chosen, problems = plan_removal(wanted, listed)
    if problems:
        raise ConfigurationError(
            " ".join(problems),
            hint="Delete the unwanted instance by its UUID with another tool.",
        )
    _refuse_own_machine(wanted, chosen)
    work = _RemovalWork(cloud, context, _removal_settings(options, wait=options["wait"]), started_at)
    deleting = being_deleted(wanted, listed) if options["wait"] else ()
    removal = work.remove(chosen, resumed=work.unfinished(wanted, listed, deleting))
    rates = Rates.from_options(options["rates"])
    warnings = (*_stranger_warnings(wanted, listed), *_template_warnings(wanted, listed))
    return _outcome(FleetLaunch(()), removal, {}, rates, warnings=warnings)


def _template_warnings(wanted: Wanted, listed: Sequence[Instance]) -> tuple[str, ...]:
    """Return a sentence for each name or template that no instance has, where it was launched by a similar template.

    Such are the name that a task with a count has numbered, and a template with another number of digits.
    """
    there = [each for each in listed if not is_gone(each)]
    known = {each.name for each in listed}
    missing = [(name, f"{name}-", "") for name in wanted.names if name not in known]
    template = wanted.template
    if template is not None and not any(each.facts.group == template.text for each in there):
        missing = [(template.text, template.prefix, template.suffix)]
    similar = [(name, text) for name, *ends in missing for text in _templates(there, *ends)]
    numbered = [(name, text, [each for each in there if each.facts.group == text]) for name, text in similar]
    return tuple(
        f"There is no instance {name}, so {_named(found)} not deleted. To delete all of that template, set name: {text}"
        for name, text, found in numbered
        if found
    )


def _templates(instances: Sequence[Instance], prefix: str, suffix: str) -> list[str]:
    """Return the templates that instances were launched for, and that have this text around the number."""
    found = []
    for text in sorted({each.facts.group for each in instances if each.facts.group}):
        # Everyone may change metadata, so it may be none.
        with suppress(ConfigurationError):
            template = NameTemplate.parse(text)
            if is_template(text) and (template.prefix, template.suffix) == (prefix, suffix):
                found.append(text)
    return found


def _stranger_warnings(wanted: Wanted, listed: Sequence[Instance]) -> tuple[str, ...]:
    """Return a sentence for the instances that only happen to have names of the template."""
    names = [each.label for each in removal_strangers(wanted, listed)]
    if not names:
        return ()
    shown = ", ".join(names[:_NAMED_IN_MESSAGE])
    more = f" and {len(names) - _NAMED_IN_MESSAGE} more" if len(names) > _NAMED_IN_MESSAGE else ""
    return (
        f"Not deleted, since {wanted.group('')} did not launch them: {shown}{more}. To delete them, set their names.",
    )


# --- the outcome


def _outcome(
    fleet: FleetLaunch,
    removal: FleetRemoval,
    made: Mapping[str, Sequence[Change]],
    rates: Rates,
    *,
    warnings: tuple[str, ...],
) -> Outcome:
    runs = _all_runs(fleet.runs, removal.runs)
    costs = [_cost(run, rates) for run in runs if run.changed]
    return Outcome(
        _result(fleet.runs, removal.runs, rates),
        changed=bool(fleet.removed) or any(run.changed for run in runs),
        failure=_failure(fleet, removal),
        warnings=(*warnings, *fleet.warnings, *_locked_warnings(fleet, removal)),
        diff={
            "before": cost_lines((each.label, each.before) for each in costs) + _changed_lines(fleet, made, now=False),
            "after": cost_lines((each.label, each.after) for each in costs) + _changed_lines(fleet, made, now=True),
        },
    )


def _changed_lines(fleet: FleetLaunch, made: Mapping[str, Sequence[Change]], *, now: bool) -> str:
    """Return a line for each property that was changed in place."""
    return "".join(
        f"{run.name}, {change.kind}: {change.after if now else change.before}\n"
        for run in fleet.runs
        for change in made.get(run.name, ())
        if change.kind.value in run.steps
    )


def _all_runs(launches: Iterable[LaunchRun], removals: Iterable[RemovalRun]) -> list[LaunchRun | RemovalRun]:
    return [*launches, *removals]


def _locked_warnings(fleet: FleetLaunch, removal: FleetRemoval) -> list[str]:
    return [f"{_labelled(run)}." for run in _all_runs(fleet.runs, removal.runs) if run.skipped]


def _result(launches: Sequence[LaunchRun], removals: Sequence[RemovalRun], rates: Rates) -> dict[str, Any]:
    runs = _all_runs(launches, removals)
    costs = [_cost(run, rates) for run in runs]
    return {
        "instances": [_item(run, cost) for run, cost in zip(runs, costs, strict=True)],
        "key_imported": False,
        "su_per_hour": total_costs(costs),
        "summary": {
            "wanted": len(launches),
            "present": sum(_is_there(run) and not run.failed for run in launches),
            "launched": sum("launch" in run.steps for run in launches),
            "deleted": sum("delete" in run.steps and not run.failed for run in removals),
            "unchanged": sum(not run.changed and not run.failed and not run.skipped for run in runs),
            "skipped": sum(run.skipped for run in runs),
            "failed": sum(run.failed for run in runs),
        },
    }


def _is_there(run: LaunchRun) -> bool:
    """Return whether an instance exists, or in check mode would."""
    return run.now is not None or run.foreseen is not None


def _item(run: LaunchRun | RemovalRun, cost: InstanceCost) -> dict[str, Any]:
    found = (run.now or run.before) if isinstance(run, LaunchRun) else run.before
    return {
        **_facts(_name_of(run), found),
        **({"flavor": cost.after.flavor} if cost.after.flavor else {}),
        "before": cost.before.text,
        "after": cost.after.text,
        "su_per_hour": number_if_known(cost.after.su_per_hour),
        "actions": list(run.steps),
        "changed": run.changed,
        "failed": run.failed,
        "skipped": run.skipped,
        "unclear": run.unclear,
        "msg": run.message,
        "elapsed": run.elapsed or 0.0,
    }


def _name_of(run: LaunchRun | RemovalRun) -> str:
    """Return the name of an instance, which after a rename is the new one: the next task needs it."""
    if isinstance(run, RemovalRun):
        return run.before.name
    is_renamed = run.now is not None and ChangeKind.NAME.value in run.steps
    return run.now.name if run.now is not None and is_renamed else run.name


def _facts(name: str, found: Instance | None) -> dict[str, Any]:
    return {
        "name": name,
        "id": found.id if found else None,
        "uuid": found.uuid if found else None,
        "ip_address": found.ip_address if found else None,
        "addresses": list(found.addresses or ()) if found else [],
        "flavor": found.flavor.name if found else None,
    }


def _cost(run: LaunchRun | RemovalRun, rates: Rates) -> InstanceCost:
    """Return the states of an instance before and after, as people read them, with their costs."""
    if isinstance(run, RemovalRun):
        after = _observed(run.now, rates)
        if "delete" in run.steps and not run.failed and after is not NOT_THERE:
            # Its deletion was accepted, and is not waited for.
            after = replace(after, su_per_hour=Decimal(0))
        return InstanceCost(run.before.label, _observed(run.before, rates), after)
    before = NOT_THERE if run.before is None else _observed(run.before, rates)
    return InstanceCost(run.name, before, _cost_after_launch(run, rates))


def _cost_after_launch(run: LaunchRun, rates: Rates) -> CostedState:
    foreseen = run.foreseen
    if foreseen is not None:
        text = foreseen.status if run.now is None else run.state_text()
        return costed(text, foreseen.flavor, foreseen.status, rates)
    if run.now is None:
        # Of a launch of unclear outcome, it is not known whether anything is charged.
        return replace(NOT_THERE, su_per_hour=None) if run.unclear else NOT_THERE
    return _observed(run.now, rates)


def _observed(instance: Instance, rates: Rates) -> CostedState:
    return NOT_THERE if instance.status == "missing" else costed_instance(state_text(instance), instance, rates)


def _failure(fleet: FleetLaunch, removal: FleetRemoval) -> str | None:
    """Return one sentence for all that failed, with the number of those that are there."""
    failed = [run for run in _all_runs(fleet.runs, removal.runs) if run.failed]
    total = len(fleet.runs) + len(removal.runs)
    aborted_by = fleet.aborted_by or removal.aborted_by
    if aborted_by is not None:
        return f"{aborted_by} {len(failed)} of {total} instances were not completed."
    if not failed:
        return None
    named = "; ".join(_labelled(run) for run in failed[:_NAMED_IN_MESSAGE])
    if total == 1:
        return f"{named}."
    more = f"; and {len(failed) - _NAMED_IN_MESSAGE} more" if len(failed) > _NAMED_IN_MESSAGE else ""
    there = sum(run.now is not None and not run.failed for run in fleet.runs)
    counted = f"{there} of {len(fleet.runs)} instances exist" if fleet.runs else f"{len(failed)} of {total} failed"
    return f"{counted}: {named}{more}."


def _labelled(run: LaunchRun | RemovalRun) -> str:
    label = run.name if isinstance(run, LaunchRun) else run.before.label
    why = run.message.rstrip(".")
    return why if label in why else f"{label}: {why}"
