# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_credential."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from pathlib import Path
from typing import Any

from ..clouds.connect import connect, replaced_settings, resolve
from ..clouds.registry import connection_settings
from ..errors import ConfigurationError, PermissionDenied
from ..files import read_file
from ..model import Outcome
from ..operation import Context
from ..options import CONNECTION, ModuleSpec
from ..settings.profile_file import (
    exclusive_profiles,
    is_private,
    profiles_in,
    with_profile,
    without_profile,
    write_private,
)
from ..settings.profiles import DEFAULT_PROFILE, PROFILES

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "verify": {"type": "bool", "default": True},
    }
)

_SETTINGS = tuple(each.name for each in connection_settings() if each.in_profile)
_SECRETS = tuple(each.name for each in connection_settings() if each.secret)


def credential(options: Mapping[str, Any], context: Context) -> Outcome:
    """Save settings in a profile after a login with them, or remove the profile."""
    for secret in filter(None, (options[name] for name in _SECRETS)):
        context.hide(secret)
    name = options["profile"] or DEFAULT_PROFILE
    path = context.in_home(PROFILES)
    # Before the folder is made private, which is a change as well.
    exposed = path.exists() and not is_private(path)
    with _guarded(path, context):
        before = _read(path)
        if options["state"] == "absent":
            after = without_profile(before, name)
        else:
            after = with_profile(before, name, _wanted(options))
            _check(profiles_in(after)[name], context, verify=options["verify"])
        changed = after != before or exposed
        if changed and not context.check_mode:
            write_private(path, after)
    diff = {"before": _shown(before, name), "after": _shown(after, name)}
    return Outcome({"profile": name, "path": str(path)}, changed=changed, diff=diff)


OPERATION = credential


def _guarded(path: Path, context: Context) -> AbstractContextManager[None]:
    return nullcontext() if context.check_mode else exclusive_profiles(path)


def _read(path: Path) -> str:
    try:
        return read_file(path).decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    # Outside of the handler: the error of a decoder holds the whole file, secrets and all.
    raise ConfigurationError(f"{path} cannot be read: {why}.")


def _wanted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new settings of the profile. A new login replaces any other, which might take precedence."""
    settings = {name: options[name] for name in _SETTINGS if options[name] is not None}
    given = [name for name in settings if settings[name] != ""]
    return {**settings, **dict.fromkeys(replaced_settings(given))}


def _check(profile: Mapping[str, Any], context: Context, *, verify: bool) -> None:
    """Raise ConfigurationError if a profile is no login by itself; with ``verify``, raise the error of the cloud."""
    # Without the environment and the home, nothing else adds to it.
    connection = resolve(profile, {}, None)
    if not verify:
        return
    with closing(connect(connection, context.surroundings(fresh=True))) as cloud, suppress(PermissionDenied):
        # Something that needs a login. A credential that may read instances alone is one as well.
        cloud.list_allocation_sources()


def _shown(text: str, name: str) -> str:
    """Return a profile without its secrets."""
    profile = profiles_in(text).get(name)
    if profile is None:
        return ""
    lines = [f"{key} = {'(hidden)' if key in _SECRETS else value}" for key, value in profile.items()]
    return "\n".join([f"[{name}]", *lines]) + "\n"
