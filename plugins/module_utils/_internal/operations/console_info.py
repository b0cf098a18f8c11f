# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_console_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cloud import Cloud, Consoles
from ..errors import ConfigurationError
from ..fleet.one_instance import one_instance
from ..fleet.selection import ME
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "instance": {"type": "str", "required": True},
        "owner": {"type": "list", "elements": "str", "default": [ME]},
        "url": {"type": "bool", "default": True},
        "kind": {"type": "str", "default": "any", "choices": ["any", "novnc", "spice"]},
        "lines": {"type": "int", "default": 0},
    },
)
# The action plugin hides a result that has one of these from all output, as no_log would.
SECRET_RESULTS = frozenset({"url"})
_MOST_LINES = 10_000


def console_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the address of the console of an instance, and the last lines on it."""
    lines, consoles = options["lines"], cloud.consoles()
    _require_supported(consoles, options)
    instance = one_instance(cloud, options["instance"], options["owner"])
    opened = None
    if options["url"]:
        kinds = consoles.kinds if options["kind"] == "any" else (options["kind"],)
        opened = consoles.url(instance, kinds)
    result: dict[str, Any] = {
        "instance": {"uuid": instance.uuid, "id": instance.id, "name": instance.name},
        "url": None if opened is None else opened.url,
        "kind": None if opened is None else opened.kind,
        "text": None,
    }
    if lines:
        # Nova counts the end of the last line as one more.
        output = consoles.text(instance, lines + 1)
        result["text"] = [one_line(each) for each in output.splitlines()[-lines:]]
    return Outcome(result)


def _require_supported(consoles: Consoles, options: Mapping[str, Any]) -> None:
    """Refuse what the cloud does not have before anything is sent."""
    refuse_blank(options, ("instance",))
    lines = options["lines"]
    if not 0 <= lines <= _MOST_LINES:
        raise ConfigurationError(f"lines is {lines}, but must be between 0 and {_MOST_LINES}.")
    if not options["url"] and not lines:
        raise ConfigurationError("There is nothing to return.", hint="Set url: true, or lines to a number.")
    wanted = [*(["text"] if lines else []), *([options["kind"]] if options["url"] else [])]
    for each in wanted:
        if each in consoles.unsupported:
            raise ConfigurationError(consoles.unsupported[each])


OPERATION = on_cloud(console_info)
