#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_mail
short_description: Send a mail by SMTP
version_added: 1.0.0
description:
  - Sends one mail through a mail server, such as the report from M(jetstream.cloud.jetstream_usage_report).
  - Its options have the names and meanings of M(community.general.mail), except for O(message_id). It needs only
    Python.
requirements:
  - Python 3.11 or newer, on the host of the task
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
attributes:
  check_mode:
    support: full
    details:
      - Composes the mail, and does not send it.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run sends a mail.
options:
  host:
    description: The mail server.
    type: str
    default: localhost
  port:
    description: The port of the mail server. Usually V(25), V(465) with O(secure=always), V(587) with
      O(secure=starttls).
    type: int
    default: 25
  username:
    description: The user name, if the server requires a login.
    type: str
  password:
    description: The password.
    type: str
  secure:
    description:
      - V(always) encrypts from the start.
      - V(starttls) enables encryption before it sends the mail, or fails.
      - V(try) enables it if the server offers it, otherwise sends the mail unencrypted, but never a password. It does
        not encrypt mail to this machine itself.
      - V(never) does not encrypt.
      - The server's certificate is always checked. Set the environment variable E(SSL_CERT_FILE) to the file of a
        private certificate authority.
    type: str
    choices:
      - always
      - never
      - starttls
      - try
    default: try
  sender:
    description: The address of the sender, with or without a name.
    type: str
    required: true
  to:
    description: The addresses of the recipients, with or without names.
    type: list
    elements: str
    required: true
  subject:
    description: The subject.
    type: str
    required: true
  body:
    description: The text of the mail.
    type: str
  subtype:
    description: Whether the text is plain or HTML.
    type: str
    choices:
      - html
      - plain
    default: plain
  message_id:
    description:
      - An ID of the mail, from which the header C(Message-ID) is derived. If a mail is sent twice with the same ID,
        mail programs that use this header show it once.
      - Without it, each mail has a unique header.
    type: str
  attach:
    description: Files to attach.
    type: list
    elements: path
  timeout:
    description: Seconds to wait for the server.
    type: float
    default: 20.0
seealso:
  - module: jetstream.cloud.jetstream_usage_report
  - module: community.general.mail
"""

EXAMPLES = r"""
- name: Create the report
  jetstream.cloud.jetstream_usage_report:
    dest: ~/jetstream.html
  register: report

- name: Mail it through the mail server of this machine
  jetstream.cloud.jetstream_mail:
    sender: johndoe@example.edu
    to: johndoe@example.edu
    subject: Jetstream usage
    body: "{{ report.text }}"
    attach: ~/jetstream.html

- name: Mail it through a server that requires a login
  jetstream.cloud.jetstream_mail:
    host: smtp.example.edu
    port: 587
    secure: starttls
    username: johndoe
    password: "{{ vault_mail_password }}"
    sender: John Doe <johndoe@example.edu>
    to:
      - johndoe@example.edu
      - lab@example.edu
    subject: Jetstream usage
    body: "{{ report.text }}"
"""

RETURN = r"""
to:
  description: The addresses of O(to). If the server refuses some of them, the task fails and names them.
  returned: success
  type: list
  elements: str
  sample: [johndoe@example.edu]
"""

from ..module_utils._internal.operations.mail import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
