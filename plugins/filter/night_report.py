# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: night_report
short_description: Summarize a run of nightly in one mail
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Combines the results of all parts of the playbook C(jetstream.cloud.nightly) into one mail, and decides whether it
    is worth sending.
  - A lasting failure is worth a mail once a day.
positional: planned, channels, deliveries, stored
options:
  _input:
    description:
      - A row for each part that ran, with C(part), C(sentence), C(text) (its readout), C(failure) (an empty text for
        none), C(news) (whether it is worth a mail), C(notes) (phrases for the subject), and C(instances).
      - Instances are rows from M(jetstream.cloud.jetstream_schedule) and M(jetstream.cloud.jetstream_idle).
      - C(channels) of a row has the values that differ by channel. C(kept) is the part of its report that the next run
        does not repeat by itself, and C(told_again) is whether it repeats the rest. C(unrecorded) is whether the news
        could not be recorded, so that each run has them again. They are told when the failure is.
    type: list
    elements: dict
    required: true
  planned:
    description: The result of the filter P(jetstream.cloud.night_plan#filter).
    type: dict
    required: true
  channels:
    description: The channels of the report, such as V(mail) and V(webhook).
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  deliveries:
    description: For each channel, a dictionary with C(delivered). By default, all deliveries succeeded.
    type: dict
    version_added: 1.1.0
  stored:
    description: The current text of the record, which another run may have changed meanwhile.
    type: str
    default: ''
    version_added: 1.1.0
seealso:
  - plugin: jetstream.cloud.night_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the subject of a mail
  ansible.builtin.debug:
    msg: "{{ (results | jetstream.cloud.night_report(planned)).subject }}"
  vars:
    planned: "{{ {} | jetstream.cloud.night_plan('') }}"
    results:
      - part: activity
        sentence: 7 of 8 running instances were read.
      - part: shelve_idle
        sentence: 1 instance was shelved.
        instances: [{changed: true, action: shelve}, {failed: true}]

# Jetstream: 1 shelved, 1 failed
"""

RETURN = r"""
_value:
  description:
    - C(subject), C(sentence) (the same without the name) and C(text) of the mail; C(summary), a line for each part.
    - C(failed), the names of the parts that failed; C(tell), whether something is worth a mail.
    - C(messages), the message to each channel, and C(kept), the part of it to keep until it was delivered, as options
      of M(jetstream.cloud.jetstream_delivery); C(record), the record to store after the deliveries.
    - C(told), the record to store if the mail was sent or not needed; C(untold), the record if sending failed.
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..module_utils._internal.clock import SystemClock
from ..module_utils._internal.policy.nights import report
from ..plugin_utils._internal.supported_core import require_supported_core


def night_report(
    results: Iterable[Mapping[str, Any]],
    planned: Mapping[str, Any],
    channels: Sequence[str] = (),
    deliveries: Mapping[str, Any] | None = None,
    stored: object = "",
) -> dict[str, Any]:
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    return report(planned, results, SystemClock().now().timestamp(), channels, deliveries, str(stored))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"night_report": night_report}
