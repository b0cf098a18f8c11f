# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds images, flavors, networks and other objects by their names. Pure functions over OpenStack's rows.

See docs/launching.md. Each function ``choose_...`` raises SelectionError for an unknown or ambiguous name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...errors import SelectionError
from ...model import BootVolume, Flavor
from ...text.suggestions import did_you_mean
from ..json_values import Json, UnreadableRow, flag, text, uuid_of, whole, word

# The names of the network that neutron can create for any project at Jetstream2, and of the external network.
AUTO_NETWORK = "auto_allocated_network"
_EXTERNAL_NETWORK = "public"
_GIB = 1024**3
# Among images of one name, the lowest precedence wins: the project's own, public, then shared and accepted images. A
# community image is never found by its name: any user can publish one under the name of another image.
_OWN, _COMMUNITY = 0, 3
_PRECEDENCE: Mapping[str, int] = {"public": 1, "shared": 2}


def precedence(row: Json, project: str) -> int:
    """Return the precedence of an image among those of its name: the lowest wins."""
    if row.get("owner") == project:
        return _OWN
    return _PRECEDENCE.get(word(row.get("visibility")) or "", _COMMUNITY)


def choose_image(rows: Sequence[Json], name: str, project: str) -> Json:
    """Return the newest usable image of a name: the project's own, else a public one, else a shared one."""
    usable = [each for each in rows if text(each.get("name")) == name and is_usable(each)]
    known = [each for each in usable if precedence(each, project) < _COMMUNITY]
    if not known:
        named = [each for each in rows if text(each.get("name")) == name]
        # At this point, usable images are community images.
        hidden = [each for each in named if is_active(each) and flag(each.get("os_hidden"))]
        if hidden:
            raise SelectionError(
                f"image: {name} is hidden: its owner has withdrawn it.",
                hint=f"To launch from it anyway, set image to its ID, {text(_newest(hidden).get('id'))}.",
            )
        if "community" in {word(each.get("visibility")) for each in named}:
            raise SelectionError(
                f"image: {name} is a community image, and any user can publish one under any name.",
                hint="If you trust it, set image to its ID.",
            )
        raise SelectionError(f"image: there is no image {name} that can be launched.")
    lowest = min(precedence(each, project) for each in known)
    return _newest([each for each in known if precedence(each, project) == lowest])


def _newest(rows: Sequence[Json]) -> Json:
    return max(rows, key=lambda each: (text(each.get("created_at")) or "", text(each.get("id")) or ""))


def is_active(row: Json) -> bool:
    """Return whether an image is active, and so complete."""
    return word(row.get("status")) == "active"


def require_active(row: Json, name: str) -> None:
    """Raise SelectionError for an image by id that is not active: nova would refuse it."""
    if not is_active(row):
        raise SelectionError(f"image: {name} is {word(row.get('status')) or 'in an unknown state'}, not active.")


def is_usable(row: Json) -> bool:
    """Return whether an image can be launched by its name."""
    return is_active(row) and not flag(row.get("os_hidden"))


def choose_flavor(rows: Sequence[Json], name: str) -> Json:
    """Return the flavor of a name or id."""
    found = [each for each in rows if name in (text(each.get("name")), text(each.get("id")))]
    if not found:
        guess = did_you_mean(name, [text(each.get("name")) or "" for each in rows])
        raise SelectionError(f"flavor: there is no flavor {name}. {guess}".rstrip())
    return next((each for each in found if text(each.get("name")) == name), found[0])


def id_of(row: Json) -> str:
    """Return the id of a flavor, which need not be a UUID. Raises UnreadableRow without an id."""
    found = text(row.get("id"))
    if not found:
        raise UnreadableRow("the flavor has no id")
    return found


def flavor_of(row: Json) -> Flavor:
    """Read a flavor. Memory is in MB, the disk in GB; unknown values are None."""
    return Flavor(
        name=text(row.get("name")) or "",
        vcpus=whole(row.get("vcpus")),
        ram=whole(row.get("ram")),
        disk=whole(row.get("disk")),
    )


def require_fit(image: Json, flavor: Flavor, boot: BootVolume | None) -> None:
    """Raise SelectionError if an image needs more disk or memory than the flavor has: nova would fail only later.

    Also raises it for a flavor without a disk, unless the server boots from a volume.
    """
    if boot is None and flavor.disk == 0:
        raise SelectionError(
            f"The flavor {flavor.name} has no disk.", hint="Choose another flavor, or set boot_volume."
        )
    disk, where = (boot.size, "boot_volume") if boot else (flavor.disk, f"flavor {flavor.name}")
    sizes = [(whole(image.get(name)) or 0) / _GIB for name in ("size", "virtual_size")]
    needed = max(whole(image.get("min_disk")) or 0, *sizes)
    name = text(image.get("name")) or text(image.get("id"))
    if disk and needed > disk:
        raise SelectionError(
            f"The image {name} needs a disk of {needed:.3g} GB, and {where} has {disk} GB.",
            hint="Choose a larger flavor, or a boot_volume of that size.",
        )
    ram = whole(image.get("min_ram")) or 0
    if flavor.ram and ram > flavor.ram:
        raise SelectionError(
            f"The image {name} needs {ram} MB of memory, and flavor {flavor.name} has {flavor.ram} MB."
        )


def choose_network(rows: Sequence[Json], name: str | None, project: str) -> Json | None:
    """Return the network of a name or id.

    Without a name, returns AUTO_NETWORK, else the project's only network, else the only visible one; None if there is
    no network yet. Raises SelectionError for several, and for a network without a subnet.
    """
    internal = [each for each in rows if not flag(each.get("router:external"))]
    if name is not None:
        chosen = _only(internal, name, "network")
        if _lacks_subnet(chosen):
            raise SelectionError(f"network: {name} has no subnet, so that no instance can be launched in it.")
        return chosen
    usable = [
        each
        for each in internal
        if each.get("status") == "ACTIVE" and each.get("admin_state_up") is not False and not _lacks_subnet(each)
    ]
    automatic = [each for each in usable if text(each.get("name")) == AUTO_NETWORK]
    own = [each for each in usable if each.get("tenant_id", each.get("project_id")) == project]
    for group in (automatic, own, usable):
        if len(group) == 1:
            return group[0]
    if not usable:
        return None
    names = ", ".join(sorted(text(each.get("name")) or text(each.get("id")) or "" for each in usable))
    raise SelectionError(f"network: there are several ({names}).", hint="Set network.")


def _lacks_subnet(network: Json) -> bool:
    """Return whether a network has no subnet, by the field that nova checks."""
    return network.get("subnets") == []


def choose_external_network(rows: Sequence[Json]) -> str:
    """Return the id of the external network, the source of floating IPs."""
    external = [each for each in rows if flag(each.get("router:external"))]
    preferred = [each for each in external if text(each.get("name")) == _EXTERNAL_NETWORK] or external
    if len(preferred) != 1:
        found = ", ".join(sorted(text(each.get("name")) or "" for each in external)) or "none"
        raise SelectionError(f"floating_ip: the external network cannot be determined (external networks: {found}).")
    return uuid_of(preferred[0], "id")


def choose_security_groups(rows: Sequence[Json], names: Iterable[str]) -> list[str]:
    """Return the ids of security groups, by their names or ids."""
    return [uuid_of(_only(rows, name, "security_groups"), "id") for name in names]


def require_key(rows: Sequence[Json], name: str) -> None:
    """Raise SelectionError if the user has no key pair of this name."""
    known = [text(each.get("name")) or "" for each in rows]
    if name not in known:
        guess = did_you_mean(name, known)
        raise SelectionError(
            f"key_name: there is no key pair {name}. {guess}".rstrip(),
            hint="Use your own key pair: those of other members of the project cannot be used.",
        )


def _only(rows: Sequence[Json], name: str, option: str) -> Json:
    """Return the row with an id or a name. Raises SelectionError, whose message begins with the option."""
    by_id = [each for each in rows if text(each.get("id")) == name]
    found = by_id or [each for each in rows if text(each.get("name")) == name]
    if not found:
        guess = did_you_mean(name, [text(each.get("name")) or "" for each in rows])
        raise SelectionError(f"{option}: {name} does not exist. {guess}".rstrip())
    if len(found) > 1:
        ids = ", ".join(sorted(text(each.get("id")) or "" for each in found))
        raise SelectionError(f"{option}: the name {name} is ambiguous. Use an ID ({ids}).")
    return found[0]
