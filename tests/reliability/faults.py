# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of faults: how a fault is drawn, and how it is set up on a stage."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..simulator import Missing, Raw, nested
from ..simulator.api.handling import RawRequest, RawResponse
from ..simulator.api.pages import BROKEN
from ..simulator.faults import BAD_GATEWAY, GATEWAY_TIMEOUT
from ..simulator.odd_values import edited
from ..simulator.world.trouble import Trouble as CloudFault
from ..simulator.world.vm import STATES as WORLD_STATES
from .network import Alter, Effect, NetworkFault
from .nova import STATES as NOVA_STATES
from .plans import ATMOSPHERE, JETSTREAM2, Fault, Member, Task
from .site import ACTION, DETAIL, LIST, LOGIN, STATES
from .site_atmosphere import AtmosphereSite
from .site_jetstream2 import Jetstream2Site
from .stages import USER, Stage

BOTH = (ATMOSPHERE, JETSTREAM2)
Details = Mapping[str, Any]
# The beginning of the uuids of instances that are launched during a run.
NEWCOMERS = "00000000-0000-4000-8000-"
# Changes that Atmosphere does not know. For half a minute, its list of an identity may show the former states.
UNKNOWN_TO_ATMOSPHERE = frozenset(
    {
        "deploy_error of an earlier deployment",
        "instance forced into a state",
        "another user acts",
        "stale cached list",
        "stopped outside Atmosphere",
        "instance vanishes",
    }
)
_HTML = "text/html"
_JSON = "application/json"
# Seconds after the start. Most runs end within a minute.
_MOMENTS = (0.0, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_LENGTHS = (1.0, 3.0, 10.0, 30.0, 90.0, 600.0)
_BEFORE = -1.0
_RETRY_AFTERS = ("0", "1", "3", "20", "120", "-5", "nan", "soon", "99999999999", "Mon, 23 Nov 2026 18:57:20 GMT", "")
_ACTIONS = ("start", "stop", "suspend", "resume", "shelve", "unshelve", "reboot")


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault. ``draw``: returns the details of one. ``install``: sets it up.

    ``targets``: whether it affects a single member of the fleet. ``weight``: how often it is drawn, relative to others.
    """

    clouds: Sequence[str]
    draw: Callable[[random.Random], Details]
    install: Callable[[Stage, Fault], None]
    targets: bool = False
    weight: float = 1.0


def draw(chance: random.Random, cloud: str, fleet: Sequence[Member]) -> Fault:
    """Draw a fault of any kind that a cloud can have."""
    names = [name for name, kind in FAULT_KINDS.items() if cloud in kind.clouds and (fleet or not kind.targets)]
    [name] = chance.choices(names, [FAULT_KINDS[each].weight for each in names])
    kind = FAULT_KINDS[name]
    target = chance.randrange(len(fleet)) if kind.targets else None
    return Fault(name, target, kind.draw(chance))


def install(stage: Stage, fault: Fault) -> None:
    """Set a fault up."""
    FAULT_KINDS[fault.kind].install(stage, fault)


# --- on the network


def _page(status: int, text: str, headers: Sequence[tuple[str, str]] = ()) -> Callable[[RawRequest], RawResponse]:
    return lambda _raw: RawResponse(status, text.encode(), _HTML, list(headers))


def _json(status: int, body: Any) -> Callable[[RawRequest], RawResponse]:
    return lambda _raw: RawResponse(status, json.dumps(body).encode(), _JSON)


def _body(text: bytes, **changes: Any) -> Alter:
    return lambda _raw, reply: replace(reply, body=text, **changes)


def _wait_header(value: str) -> list[tuple[str, str]]:
    return [("retry-after", value)] if value else []


def _half(_raw: RawRequest, reply: RawResponse) -> RawResponse:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _as_page(_raw: RawRequest, reply: RawResponse) -> RawResponse:
    return replace(reply, body=b"<html><body>Jetstream</body></html>", content_type=_HTML)


def _bomb(_raw: RawRequest, reply: RawResponse) -> RawResponse:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    megabyte = packer.compress(b" " * 2**20) + packer.flush()
    return replace(reply, body=megabyte * 40, headers=[*reply.headers, ("content-encoding", "gzip")])


def _said_back(raw: RawRequest) -> RawResponse:
    """Quote the secrets of a request, as some servers do in error messages."""
    said = f"cannot handle {raw.headers.get('authorization', '')} {raw.headers.get('x-auth-token', '')} {raw.body!r}"
    return RawResponse(500, json.dumps({"error": {"code": 500, "message": said}, "detail": said}).encode(), _JSON)


def _no_credentials(stage: Stage) -> Callable[[RawRequest], RawResponse]:
    if stage.plan.cloud == ATMOSPHERE:
        return _json(403, {"detail": "Authentication credentials were not provided."})
    return _json(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})


def _in_the_clouds_words(stage: Stage) -> Callable[[RawRequest], RawResponse]:
    if stage.plan.cloud == ATMOSPHERE:
        text = "The requested action encountered an irrecoverable exception: 403 Forbidden Quota exceeded"
        return _json(403, {"errors": [{"code": 403, "message": text}]})
    return _json(403, {"forbidden": {"code": 403, "message": "Policy doesn't allow this to be performed."}})


def _nova_failed(stage: Stage) -> Callable[[RawRequest], RawResponse]:
    if stage.plan.cloud == ATMOSPHERE:
        text = "The requested action encountered an irrecoverable exception: 500 Internal Server Error Unexpected"
        return _json(403, {"errors": [{"code": 403, "message": text}]})
    return _json(500, {"computeFault": {"code": 500, "message": "Unexpected API Error."}})


Effects = Callable[[Stage, Details], Effect]
# Each effect, and the function that draws its details.
_EFFECTS: Mapping[str, tuple[Effects, Callable[[random.Random], Details]]] = {
    "connection refused": (lambda _stage, _of: Effect(refused=True), lambda _chance: {}),
    "no connection in time": (lambda _stage, _of: Effect(connecting=1e6), lambda _chance: {}),
    "slow to connect": (
        lambda _stage, of: Effect(connecting=of["seconds"]),
        lambda chance: {"seconds": chance.choice((1.0, 4.0, 14.0, 45.0))},
    ),
    "connection reset before the request": (lambda _stage, _of: Effect(dropped=True), lambda _chance: {}),
    "response lost": (lambda _stage, _of: Effect(lost=True), lambda _chance: {}),
    "slow response": (
        lambda _stage, of: Effect(delay=of["seconds"]),
        lambda chance: {"seconds": chance.choice((2.0, 8.0, 25.0, 70.0, 200.0))},
    ),
    "500 page": (
        lambda _stage, of: Effect(told=_page(500, BROKEN), carried_out=of["carried_out"]),
        lambda chance: {"carried_out": chance.random() < 0.3},
    ),
    "500 of the cloud": (
        lambda stage, of: Effect(told=_nova_failed(stage), carried_out=of["carried_out"]),
        lambda chance: {"carried_out": chance.random() < 0.3},
    ),
    "502 page": (
        lambda _stage, of: Effect(told=_page(502, BAD_GATEWAY), carried_out=of["carried_out"]),
        lambda chance: {"carried_out": chance.random() < 0.3},
    ),
    "503 page": (
        lambda _stage, of: Effect(told=_page(503, BAD_GATEWAY, _wait_header(of["retry_after"]))),
        lambda chance: {"retry_after": chance.choice(_RETRY_AFTERS)},
    ),
    "504 page": (
        lambda _stage, of: Effect(told=_page(504, GATEWAY_TIMEOUT), carried_out=of["carried_out"]),
        lambda chance: {"carried_out": chance.random() < 0.6},
    ),
    "429 page": (
        lambda _stage, of: Effect(told=_page(429, "Too many requests", _wait_header(of["retry_after"]))),
        lambda chance: {"retry_after": chance.choice(_RETRY_AFTERS)},
    ),
    "redirect": (
        lambda _stage, _of: Effect(told=_page(302, "", [("location", "https://login.example.org/")])),
        lambda _chance: {},
    ),
    "HTML page instead of JSON": (lambda _stage, _of: Effect(alter=_as_page), lambda _chance: {}),
    "truncated JSON": (lambda _stage, _of: Effect(alter=_half), lambda _chance: {}),
    "unexpected JSON": (
        lambda _stage, of: Effect(alter=_body(of["body"].encode())),
        lambda chance: {"body": chance.choice(("", "null", "[]", "{}", '"text"', "NaN", "[null]", '{"results": 7}'))},
    ),
    "deeply nested JSON": (
        lambda _stage, _of: Effect(alter=_body(b"[" * 100_000 + b"]" * 100_000)),
        lambda _chance: {},
    ),
    "dripping response": (
        lambda _stage, of: Effect(dripping=of["seconds"]),
        lambda chance: {"seconds": chance.choice((2.0, 10.0, 50.0, 1000.0))},
    ),
    "endless response": (lambda _stage, _of: Effect(endless=True), lambda _chance: {}),
    "compression bomb": (lambda _stage, _of: Effect(alter=_bomb), lambda _chance: {}),
    "token refused": (lambda stage, _of: Effect(told=_no_credentials(stage)), lambda _chance: {}),
    "action refused by quota or policy": (
        lambda stage, _of: Effect(told=_in_the_clouds_words(stage)),
        lambda _chance: {},
    ),
    "secrets in the response": (
        lambda _stage, of: Effect(told=_said_back, carried_out=of["carried_out"]),
        lambda chance: {"carried_out": chance.random() < 0.3},
    ),
}
_RARE = {"compression bomb": 0.15, "deeply nested JSON": 0.3, "redirect": 0.5}


def _draw_where(chance: random.Random) -> Details:
    """Draw the requests that a fault affects."""
    [sort] = chance.choices((ACTION, DETAIL, LIST, STATES, LOGIN, None), (40, 20, 12, 10, 8, 10))
    [times] = chance.choices((1, 2, 3, 6, None), (50, 15, 12, 8, 15))
    since = chance.choice(_MOMENTS) if times is None or chance.random() < 0.15 else 0.0
    return {
        "sort": sort,
        "times": times,
        "skip": chance.choice((0, 0, 0, 0, 0, 1, 3)) if times is not None else 0,
        "since": since,
        "until": since + chance.choice(_LENGTHS) if times is None else None,
        "one_only": sort in (ACTION, DETAIL) and chance.random() < 0.2,
    }


def _network_fault(name: str) -> FaultKind:
    effects, more = _EFFECTS[name]

    def put(stage: Stage, fault: Fault) -> None:
        of = fault.details
        uuid = stage.site.uuids[fault.target] if of["one_only"] and fault.target is not None else None
        stage.network.faults.append(
            NetworkFault(
                name,
                effects(stage, of),
                of["sort"],
                uuid,
                of["skip"],
                of["times"],
                stage.time.monotonic() + of["since"],
                None if of["until"] is None else stage.time.monotonic() + of["until"],
            )
        )

    return FaultKind(
        BOTH, lambda chance: {**_draw_where(chance), **more(chance)}, put, targets=True, weight=_RARE.get(name, 1.0)
    )


_ODD_VALUES: Sequence[object] = (
    None,
    [],
    {},
    "2",
    "",
    7,
    -1,
    True,
    float("nan"),
    float("inf"),
    "\ud800",
    Missing(),
    Raw("1e999"),
    nested(2000),
    10**400,
)
_ODD_NAMES: Mapping[str, Sequence[str]] = {
    ATMOSPHERE: (
        "name",
        "size.cpu",
        "size.mem",
        "size",
        "id",
        "image",
        "project",
        "user",
        "ip_address",
        "start_date",
        "status",
        "activity",
        "allocation_source",
        "provider",
        "identity",
        "fault",
        "alias",
        "uuid",
    ),
    JETSTREAM2: (
        "name",
        "flavor.vcpus",
        "flavor.original_name",
        "flavor",
        "id",
        "image",
        "addresses",
        "fault",
        "user_id",
        "status",
        "OS-EXT-STS:task_state",
        "OS-EXT-STS:power_state",
        "locked",
        "hostId",
        "created",
    ),
}
# Values of the right type would be false statements, which no client can detect.
_LIES = frozenset({"status", "activity", "OS-EXT-STS:task_state", "id", "uuid", "alias", "locked", "hostId", "user_id"})


def _draw_odd_row(chance: random.Random) -> Details:
    return {
        "where": chance.random(),
        "value": chance.randrange(len(_ODD_VALUES)),
        "times": chance.choice((1, 1, 2, 4, None)),
        "skip": chance.choice((0, 0, 0, 1, 3)),
        "sort": chance.choice((LIST, STATES, DETAIL, None)),
    }


def _put_odd_row(stage: Stage, fault: Fault) -> None:
    of, names = fault.details, _ODD_NAMES[stage.plan.cloud]
    name, value = names[int(of["where"] * len(names))], _ODD_VALUES[of["value"]]
    if name == "name" and {"name", "exclude"} & set(stage.plan.task.options):
        # With another name, it would be another instance, which no client can detect.
        name = "fault"
    if name in _LIES and not isinstance(value, list | dict | float) and value is not None:
        # No task would be a false statement, too.
        value = [] if name == "OS-EXT-STS:task_state" else None
    elif name == "OS-EXT-STS:task_state" and value is None:
        value = []
    uuid = stage.site.uuids[fault.target or 0]

    def alter(raw: RawRequest, reply: RawResponse) -> RawResponse:
        return replace(reply, body=_edited_row(raw, reply.body, name, value, uuid)) if raw.method == "GET" else reply

    stage.network.faults.append(
        NetworkFault("malformed row", Effect(alter=alter), of["sort"], None, of["skip"], of["times"])
    )


def _edited_row(raw: RawRequest, body: bytes, name: str, value: object, uuid: str) -> bytes:
    """Replace a value in the rows of an instance. If the value is its name, the rows are found by the uuid."""
    for key in ("uuid", "alias", "id"):
        if f'"{key}":"{uuid}"'.encode() in body.replace(b": ", b":"):
            return edited(
                body.replace(f'"id": "{uuid}"'.encode(), f'"id": "{uuid}", "alias": "{uuid}"'.encode()),
                {name: value},
                uuid,
            )
    return body


def _put_huge_count(stage: Stage, fault: Fault) -> None:
    def alter(_raw: RawRequest, reply: RawResponse) -> RawResponse:
        return replace(reply, body=edited(reply.body, {"count": fault.details["count"]}))

    stage.network.faults.append(
        NetworkFault("malformed count", Effect(alter=alter), LIST, None, 0, fault.details["times"])
    )


# --- behind the API


def _atmosphere(stage: Stage) -> AtmosphereSite:
    assert isinstance(stage.site, AtmosphereSite)
    return stage.site


def _jetstream2(stage: Stage) -> Jetstream2Site:
    assert isinstance(stage.site, Jetstream2Site)
    return stage.site


def _moment(chance: random.Random) -> Details:
    return {"at": chance.choice((_BEFORE, *_MOMENTS))}


def _period(chance: random.Random) -> Details:
    return {**_moment(chance), "length": chance.choice(_LENGTHS)}


def _during(stage: Stage, of: Details, begin: Callable[[], object], end: Callable[[], object]) -> None:
    stage.at(of["at"], begin)
    stage.at(max(of["at"], 0.0) + of["length"], end)


def _struck(stage: Stage, fault: Fault, do: Callable[[], object]) -> Callable[[], None]:
    """Return a function that does something, and records that the fault has happened."""

    def both() -> None:
        do()
        stage.struck(fault.kind)

    return both


def _on_provider(stage: Stage, number: int) -> str:
    providers = _atmosphere(stage).world.providers
    return providers[number % len(providers)].name


def _nova_down(stage: Stage, fault: Fault) -> None:
    world, of = _atmosphere(stage).world, fault.details
    name = _on_provider(stage, of["place"])
    begin = _struck(stage, fault, lambda: world.nova_down(of["status"], name))
    _during(stage, of, begin, world.nova_up)


def _call_fails(stage: Stage, fault: Fault) -> None:
    world, of = _atmosphere(stage).world, fault.details
    # Connections break in the list of the machines, which comes before each action.
    call = of["call"] if of["status"] else "GET servers"
    cloud_fault = CloudFault(of["service"], call, of["status"], times=of["times"])
    stage.at(of["at"], _struck(stage, fault, lambda: world.trouble(cloud_fault)))


def _workers_held(stage: Stage, fault: Fault) -> None:
    world = _atmosphere(stage).world
    _during(stage, fault.details, _struck(stage, fault, world.hold_workers), world.release_workers)


def _provider_ends(stage: Stage, fault: Fault) -> None:
    world, of = _atmosphere(stage).world, fault.details
    name = _on_provider(stage, of["place"])
    end = _struck(stage, fault, lambda: world.end_provider(name))
    if of["between"]:
        stage.network.faults.append(NetworkFault(fault.kind, Effect(), LIST, then=end))
    else:
        stage.at(of["at"], end)


def _vanish(stage: Stage, fault: Fault) -> None:
    number, site = fault.target or 0, stage.site

    def vanish() -> None:
        site.touch(number, fault.kind)
        if isinstance(site, AtmosphereSite):
            site.world.settle()
            site.world.cloud.vms.pop(site.uuids[number], None)
        else:
            site.nova.delete(site.uuids[number])

    end = _struck(stage, fault, vanish)
    if fault.details["between"]:
        stage.network.faults.append(NetworkFault(fault.kind, Effect(), LIST, then=end))
    else:
        stage.at(fault.details["at"], end)


def _deleted(stage: Stage, fault: Fault) -> None:
    site, number = _atmosphere(stage), fault.target or 0

    def delete() -> None:
        site.touch(number, fault.kind)
        site.world.delete_later(site.instances[number])

    stage.at(fault.details["at"], _struck(stage, fault, delete))


def _quirk(**changes: Any) -> Callable[[Stage, Fault], None]:
    """Return a function that lets a machine misbehave from the start."""

    def put(stage: Stage, fault: Fault) -> None:
        site, number = stage.site, fault.target or 0
        values = {name: fault.details.get(name, value) for name, value in changes.items()}
        things = site.world.cloud.vms if isinstance(site, AtmosphereSite) else site.nova.servers
        thing: Any = things.get(site.uuids[number])
        if thing is None:
            # It has vanished already.
            return
        for name, value in values.items():
            setattr(thing.quirks if isinstance(site, AtmosphereSite) else thing, name, value)
        stage.struck(fault.kind)

    return put


def _forced(stage: Stage, fault: Fault) -> None:
    number, of, site = fault.target or 0, fault.details, stage.site

    def force() -> None:
        if isinstance(site, AtmosphereSite):
            site.world.settle()
            if site.uuids[number] in site.world.cloud.vms:
                site.touch(number, fault.kind)
                site.world.force(site.uuids[number], of["state"], **of.get("changes", {}))
        elif site.server(number):
            site.touch(number, fault.kind)
            site.nova.force(site.uuids[number], of["state"])

    stage.at(of["at"], _struck(stage, fault, force))


def _draw_forced(chance: random.Random) -> Details:
    states = sorted({*WORLD_STATES} & {*NOVA_STATES} - {"soft_deleted"})
    return {**_moment(chance), "state": chance.choice(states)}


def _deploy_error_left(stage: Stage, fault: Fault) -> None:
    site, number = _atmosphere(stage), fault.target or 0
    vm = site.world.cloud.vms.get(site.uuids[number])
    if vm and vm.tmp_status == "" and vm.task_state is None:
        vm.tmp_status = "deploy_error"
        stage.struck(fault.kind)


def _somebody_acts(stage: Stage, fault: Fault) -> None:
    number, of, site = fault.target or 0, fault.details, stage.site
    stage.at(of["at"], _struck(stage, fault, lambda: site.act_as_somebody(number, of["action"])))


def _draw_somebody(chance: random.Random) -> Details:
    return {**_moment(chance), "action": chance.choice(_ACTIONS)}


def _stale_list(stage: Stage, fault: Fault) -> None:
    """Let another user read a list, which fills its cache, and then make a change that does not empty it."""
    site, number = _atmosphere(stage), fault.target or 0
    place = site.members[number].place

    def fill() -> None:
        site.read_states(place)
        status = site.actual_state(site.uuids[number]).status
        action = {"suspended": "resume", "shelved": "unshelve", "shelved_offloaded": "unshelve"}.get(status, "reboot")
        site.act_as_somebody(number, action)
        stage.time.sleep(fault.details["wait"])

    if fault.details["at"] < 0:
        _struck(stage, fault, fill)()
    else:
        stage.at(fault.details["at"], _struck(stage, fault, fill))


def _launched(stage: Stage, fault: Fault) -> None:
    site, of = _atmosphere(stage), fault.details
    identity = site.identity("me", of["place"])
    size = next(each for each in site.world.sizes if each.provider is identity.provider)
    version = next(each for each in site.world.versions if each.provider is identity.provider)
    uuid = f"{NEWCOMERS}{of['number']:012}"

    def launch() -> None:
        if of["through_nova"]:
            site.world.launch_in_nova("launched-meanwhile", identity, size, version, uuid=uuid)
        else:
            site.world.launch("launched-meanwhile", identity, size, version, uuid=uuid)

    stage.at(of["at"], _struck(stage, fault, launch))


def _maintenance(stage: Stage, fault: Fault) -> None:
    world = _atmosphere(stage).world
    begin = _struck(stage, fault, lambda: world.add_maintenance("Upgrade", "back at five"))
    _during(stage, fault.details, begin, world.maintenance.clear)


def _maintenance_of_openstack(stage: Stage, fault: Fault) -> None:
    since = stage.time.monotonic() + max(0.0, fault.details["at"])
    told = _json(503, {"error": {"code": 503, "message": "The cloud is in maintenance until five."}})
    stage.network.faults.append(
        NetworkFault(fault.kind, Effect(told=told), None, None, 0, None, since, since + fault.details["length"])
    )


def _tokens_expire(stage: Stage, fault: Fault) -> None:
    stage.at(fault.details["at"], _struck(stage, fault, lambda: _expire(stage)))


def _expire(stage: Stage) -> None:
    if isinstance(stage.site, AtmosphereSite):
        stage.site.world.expire_tokens()
    else:
        stage.site.openstack.tokens = dict.fromkeys(stage.site.openstack.tokens, stage.time.now())


def _cached_token(stage: Stage, fault: Fault) -> None:
    """Put the token of an earlier task into the cache, which the server may not know any longer."""
    stage.run(USER, Task({"state": "stopped", "all": True}, check_mode=True), {})
    if not fault.details["good"]:
        _expire(stage)
    stage.record.take()
    stage.struck(fault.kind)


def _short_tokens(stage: Stage, fault: Fault) -> None:
    seconds = fault.details["seconds"]
    if isinstance(stage.site, AtmosphereSite):
        stage.site.world.settings.token_lifetime = seconds
    else:
        stage.site.openstack.lifetime = seconds
    stage.struck(fault.kind)


def _monitor(stage: Stage, fault: Fault) -> None:
    stage.at(fault.details["at"], _struck(stage, fault, _atmosphere(stage).world.monitor))


def _machine_sleeps(stage: Stage, fault: Fault) -> None:
    of = fault.details
    stage.at(max(of["at"], 0.0), _struck(stage, fault, lambda: stage.freeze(of["seconds"])))


def _wrong_date(stage: Stage, fault: Fault) -> None:
    stage.date_offset = fault.details["seconds"]
    stage.struck(fault.kind)


def _lock(stage: Stage, fault: Fault) -> None:
    site, number, of = _jetstream2(stage), fault.target or 0, fault.details

    def lock() -> None:
        server = site.server(number)
        if server is None:
            return
        site.touch(number, fault.kind)
        server.locked = of["locked"]
        server.locked_by_site = of["locked"] and of["by_site"]
        server.lock_reason = "meanwhile" if of["locked"] else None

    stage.at(of["at"], _struck(stage, fault, lock))


def _reads_before(stage: Stage, fault: Fault) -> None:
    _atmosphere(stage).world.settings.reads_before = fault.details["seconds"]
    stage.struck(fault.kind)


_ONLY_ATMOSPHERE = (ATMOSPHERE,)
_ONLY_JETSTREAM2 = (JETSTREAM2,)
FAULT_KINDS: Mapping[str, FaultKind] = {
    **{name: _network_fault(name) for name in _EFFECTS},
    "malformed row": FaultKind(BOTH, _draw_odd_row, _put_odd_row, targets=True, weight=2.0),
    "malformed count": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {"count": chance.choice((10**9, -1, 0, 10**6, 2.5)), "times": chance.choice((1, 2, None))},
        _put_huge_count,
        weight=0.3,
    ),
    "nova of a provider is down": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {**_period(chance), "status": chance.choice((503, 500, 0)), "place": chance.randrange(4)},
        _nova_down,
    ),
    "a call of Atmosphere to OpenStack fails": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {
            **_moment(chance),
            "service": chance.choice(("keystone", "nova", "nova", "nova")),
            "call": chance.choice(("", "POST action", "GET servers")),
            "status": chance.choice((500, 503, 409, 403, 413, 0)),
            "times": chance.choice((1, 1, 2, 4)),
        },
        _call_fails,
        weight=2.0,
    ),
    "Atmosphere's workers stand still": FaultKind(_ONLY_ATMOSPHERE, _period, _workers_held),
    "provider is end-dated": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {**_moment(chance), "between": chance.random() < 0.4, "place": chance.randrange(4)},
        _provider_ends,
    ),
    "instance vanishes": FaultKind(
        BOTH, lambda chance: {**_moment(chance), "between": chance.random() < 0.3}, _vanish, targets=True
    ),
    "instance deleted through Atmosphere": FaultKind(_ONLY_ATMOSPHERE, _moment, _deleted, targets=True, weight=0.5),
    "action ends in error": FaultKind(
        BOTH, lambda _chance: {}, _quirk(fails_with="No valid host was found."), targets=True
    ),
    "slow transitions": FaultKind(
        BOTH, lambda chance: {"slowness": chance.choice((2.0, 5.0, 20.0))}, _quirk(slowness=5.0), targets=True
    ),
    "every action refused": FaultKind(
        BOTH, lambda _chance: {}, _quirk(refuses="The host is being repaired"), targets=True
    ),
    "deployment fails": FaultKind(
        _ONLY_ATMOSPHERE, lambda _chance: {}, _quirk(deploy_fails_with="Ansible failed"), targets=True
    ),
    "deploy_error of an earlier deployment": FaultKind(
        _ONLY_ATMOSPHERE, lambda _chance: {}, _deploy_error_left, targets=True
    ),
    "unshelve fails": FaultKind(_ONLY_JETSTREAM2, lambda _chance: {}, _quirk(falls_back=True), targets=True),
    "instance forced into a state": FaultKind(BOTH, _draw_forced, _forced, targets=True),
    "stopped outside Atmosphere": FaultKind(
        _ONLY_ATMOSPHERE, lambda chance: {**_moment(chance), "state": "shutoff"}, _forced, targets=True, weight=0.5
    ),
    "another user acts": FaultKind(BOTH, _draw_somebody, _somebody_acts, targets=True, weight=2.0),
    "stale cached list": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {
            "at": chance.choice((_BEFORE, _BEFORE, 2.0, 8.0)),
            "wait": chance.choice((0.0, 2.0, 10.0, 25.0)),
        },
        _stale_list,
        targets=True,
        weight=2.0,
    ),
    "instance launched meanwhile": FaultKind(
        _ONLY_ATMOSPHERE,
        lambda chance: {
            **_moment(chance),
            "through_nova": chance.random() < 0.3,
            "place": chance.randrange(4),
            "number": chance.randrange(10**9),
        },
        _launched,
        weight=0.5,
    ),
    "maintenance": FaultKind(_ONLY_ATMOSPHERE, _period, _maintenance),
    "maintenance of OpenStack": FaultKind(_ONLY_JETSTREAM2, _period, _maintenance_of_openstack),
    "all tokens expire": FaultKind(BOTH, _moment, _tokens_expire, weight=1.5),
    "token of an earlier task": FaultKind(
        BOTH, lambda chance: {"good": chance.random() < 0.5}, _cached_token, weight=1.5
    ),
    "short-lived tokens": FaultKind(
        BOTH, lambda chance: {"seconds": chance.choice((20.0, 100.0, 400.0))}, _short_tokens
    ),
    "Atmosphere's monitor runs": FaultKind(_ONLY_ATMOSPHERE, _moment, _monitor, weight=0.5),
    "the controller sleeps": FaultKind(
        BOTH,
        lambda chance: {**_moment(chance), "seconds": chance.choice((5.0, 60.0, 700.0, 7200.0))},
        _machine_sleeps,
        weight=0.5,
    ),
    "wrong system date": FaultKind(
        BOTH,
        lambda chance: {"seconds": chance.choice((-1, 1)) * chance.choice((120.0, 4000.0, 90000.0))},
        _wrong_date,
        weight=0.5,
    ),
    "locked or unlocked meanwhile": FaultKind(
        _ONLY_JETSTREAM2,
        lambda chance: {**_moment(chance), "locked": chance.random() < 0.7, "by_site": chance.random() < 0.2},
        _lock,
        targets=True,
    ),
    "Atmosphere reads before it acts": FaultKind(
        _ONLY_ATMOSPHERE, lambda chance: {"seconds": chance.choice((0.5, 2.0))}, _reads_before, weight=0.5
    ),
}
