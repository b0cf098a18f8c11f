# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_keypair: imports the public key of the user, or deletes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cloud import AccessStore, Cloud
from ..errors import JetstreamError
from ..fleet.launching.keys import imported, public_key_of, removed, require_key_name, require_same
from ..model import KeyPair, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank, refuse_glob, refuse_long
from ..resending import Resender
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "public_key": {"type": "str"},
        "replace": {"type": "bool", "default": False},
    },
    required_if=(("state", "present", ("public_key",)),),
)
_HINT = "To replace it, set replace: true. Instances keep the key that they were launched with."


def keypair(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Have a key pair, or have none of that name."""
    refuse_blank(options, ("name",))
    refuse_long(options, ("name",))
    store, name = cloud.access_store(), options["name"]
    wanted = None if options["state"] == "absent" else KeyPair(name, public_key_of(options["public_key"]))
    before = store.get_key(name)
    if before is None:
        refuse_glob("name", name)
    if _is_same(before, wanted):
        return _outcome(before, before)
    if before is not None and wanted is not None and not options["replace"]:
        require_same(before, wanted, _HINT)
    if wanted is not None:
        # Also before a replacement: the key that is there would be lost.
        require_key_name(name)
    if before is None:
        store.require_room_for_key()
    after = wanted
    if not context.check_mode:
        after = _changed(store, before, wanted, Resender(context.clock))
    return _outcome(before, after, changed=True)


def _changed(store: AccessStore, before: KeyPair | None, wanted: KeyPair | None, resender: Resender) -> KeyPair | None:
    if before is not None:
        removed(store, before.name, resender)
    if wanted is None:
        return None
    try:
        return imported(store, wanted, resender)
    except JetstreamError as error:
        # The cloud alone tells whether a key is one. The one that was there must not be lost for that.
        error.changed = before is not None and not _is_restored(store, before, resender)
        raise


def _is_restored(store: AccessStore, before: KeyPair, resender: Resender) -> bool:
    try:
        imported(store, before, resender)
    except JetstreamError:
        return False
    return True


def _is_same(before: KeyPair | None, wanted: KeyPair | None) -> bool:
    if before is None or wanted is None:
        return before is wanted
    return before.material == wanted.material


def _outcome(before: KeyPair | None, after: KeyPair | None, *, changed: bool = False) -> Outcome:
    row = None
    if after is not None:
        row = {"name": after.name, "public_key": after.public_key, "fingerprint": after.fingerprint}
    return Outcome({"keypair": row}, changed=changed, diff={"before": _text(before), "after": _text(after)})


def _text(key: KeyPair | None) -> str:
    """Return a key pair in lines, for a diff, with the ends of the key, which identify it for people."""
    return "" if key is None else f"name: {one_line(key.name)}\nkey: {' ... '.join(_ends(key))}\n"


def _ends(key: KeyPair) -> tuple[str, ...]:
    return tuple(one_line(each)[-16:] for each in key.material)


OPERATION = on_cloud(keypair)
