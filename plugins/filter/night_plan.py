# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: night_plan
short_description: Plan the parts of a run of nightly
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Decides which parts of the playbook C(jetstream.cloud.nightly) are due, by its variables, the time, and the record
    of earlier runs.
  - Schedules require the variable C(schedules). The budget guard runs once an hour, the usage report once a day, and
    hygiene once a week, from C(report_hour) in the time zone of the machine.
positional: stored
options:
  _input:
    description: The variables of the playbook, RV(jetstream.cloud.jetstream_variables#module:value).
    type: dict
    required: true
  stored:
    description: The text of the record of an earlier run. An invalid text counts as empty.
    type: str
    required: true
seealso:
  - plugin: jetstream.cloud.night_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the parts that are due
  ansible.builtin.debug:
    msg: "{{ {'schedules': 'schedules.yml'} | jetstream.cloud.night_plan('') }}"
"""

RETURN = r"""
_value:
  description:
    - C(parts) has a row for each part with its C(name), whether it C(runs), and the C(reason) if not. C(run) has the
      names of those that run, in their order.
    - C(interrupted) is the beginning of an earlier run that did not end, or an empty text. C(of_runs) has a sentence
      about each such run, and C(beside) is one about a run that is in progress, or an empty text.
    - C(key) names the run, and C(told_runs) those of C(of_runs).
    - C(record) is the record to store before the first part runs.
    - C(problem) is a sentence about invalid variables, without any other key, or an empty text.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._internal.clock import SystemClock
from ..module_utils._internal.policy.nights import NightError, plan
from ..plugin_utils._internal.supported_core import require_supported_core


def night_plan(given: Mapping[str, Any], stored: object) -> dict[str, Any]:
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    try:
        return {"problem": "", **plan(given, str(stored), SystemClock().now().timestamp())}
    except NightError as error:
        # A sentence for the user, which Ansible would put into a sentence of its own.
        return {"problem": str(error)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"night_plan": night_plan}
