#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_delivery
short_description: Keep a message until a channel took it
version_added: 1.1.0
description:
  - Returns what is to be sent to each channel, such as mail or a webhook, now. That is the message that is given, and
    what the channel did not take before. A message is stored before it is sent, and removed once it was delivered, so
    that a channel that fails is tried again by the next run, and another channel is sent nothing twice.
  - Sends nothing by itself. Send RV(messages), and then call it again with O(sent) for each channel.
  - What it returns is claimed. Another run does not send that as well, until O(sent) says what became of it, or half an
    hour has passed. So what a run that was killed did not send is sent by a later one.
  - The playbooks of this collection that mail or post what they did use it.
  - That the file cannot be used is a warning. The message is returned all the same, and not kept.
  - Needs no connection to a cloud.
requirements:
  - Python 3.11 or newer, on the host that the task runs on
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
attributes:
  check_mode:
    support: full
    details:
      - Returns what would be sent, and stores and claims nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run keeps another message.
options:
  playbook:
    description:
      - The name of the playbook. What waits is sent by the next run of the same playbook with the same O(profile).
    type: str
    required: true
  profile:
    description:
      - The saved connection that it uses.
      - Without it, the environment variable C(JETSTREAM_PROFILE), or else V(default).
    type: str
  messages:
    description:
      - What is new to each channel, by the names of the channels, such as C(mail). Each is a dictionary with
        C(subject), C(text), and C(attached), a list of paths. One without a text is nothing new, and what waits for the
        channel is returned all the same.
      - A message with the same words that a channel took, while another channel has not taken it yet, is not returned
        for it again.
    type: dict
  kept:
    description:
      - What is kept of O(messages) until it was delivered, in the same form; without a text, nothing is. Leave out of
        it what the next run tells again by itself.
      - Of a channel that is not in it, the message is kept.
    type: dict
  channel:
    description: The channel that took O(sent), or did not.
    type: str
  sent:
    description:
      - RV(sent) of an earlier run for the O(channel), to store what became of the delivery. Nothing else is done then.
    type: list
    elements: str
  delivered:
    description: V(false) stores that O(channel) did not take O(sent), so that the next run sends it at once.
    type: bool
    default: true
  outbox_path:
    description:
      - The file on the controller with the messages, which is created if it is missing. Playbooks may share it.
      - Without it, C(~/.local/state/jetstream/outbox.json), and nothing is kept for a user that has no home.
    type: path
  acts_path:
    description:
      - The file of M(jetstream.cloud.jetstream_schedule) and its kin with acts that were not reported. Those of runs
        that ended without a report are sent with the next message to each channel, and then kept like one.
      - With no channel in O(messages), they are a warning.
    type: path
  reported:
    description: UUIDs of instances whose acts by this run are in O(messages), or need no message.
    type: list
    elements: str
    default: []
notes:
  - No more than 10 messages wait for a channel of a playbook, and none for longer than 7 days. What is dropped is
    counted in a warning.
seealso:
  - module: jetstream.cloud.jetstream_mail
  - module: jetstream.cloud.jetstream_notice
"""

EXAMPLES = r"""
- name: Take what is to be mailed
  jetstream.cloud.jetstream_delivery:
    playbook: stop_bio101
    messages:
      mail:
        subject: The instances of bio101 were stopped
        text: bio101-01 and bio101-02 were stopped.
  register: outgoing

- name: Mail it
  when: "'mail' in outgoing.messages"
  block:
    - name: Send the mail
      jetstream.cloud.jetstream_mail:
        sender: johndoe@example.edu
        to: teacher@example.edu
        subject: "{{ outgoing.messages.mail.subject }}"
        body: "{{ outgoing.messages.mail.text }}"
        message_id: "{{ outgoing.messages.mail.id }}"

    - name: Store that it was delivered
      jetstream.cloud.jetstream_delivery:
        playbook: stop_bio101
        channel: mail
        sent: "{{ outgoing.sent.mail }}"
  rescue:
    - name: Let the next run send it
      jetstream.cloud.jetstream_delivery:
        playbook: stop_bio101
        channel: mail
        sent: "{{ outgoing.sent.mail }}"
        delivered: false
"""

RETURN = r"""
messages:
  description:
    - What is to be sent, by channel, without channels for which there is nothing. Each has C(subject), C(text),
      C(attached), the paths of the files that are still there, and C(id), a text that is the same if the same is sent
      again, for O(jetstream.cloud.jetstream_mail#module:message_id).
    - In a text, what waited comes after what is new, the oldest first, with the time at which it was made.
  returned: success
  type: dict
sent:
  description: For each channel, the keys of the messages that are kept, to be given as O(sent) after the delivery.
  returned: success
  type: dict
"""

from ..module_utils._internal.operations.delivery import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
