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
  - Hands one mail to a mail server, such as the report that M(jetstream.cloud.jetstream_usage_report) returns.
  - Its options are named as those of M(community.general.mail), and mean the same, except for O(message_id). It needs
    nothing but Python.
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
      - Puts the mail together, and does not send it.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - A mail is sent each time.
options:
  host:
    description: The mail server.
    type: str
    default: localhost
  port:
    description: Its port. Mostly V(25), V(465) with O(secure=always), V(587) with O(secure=starttls).
    type: int
    default: 25
  username:
    description: The name to log in with, if the server wants a login.
    type: str
  password:
    description: The password to log in with.
    type: str
  secure:
    description:
      - V(always) encrypts from the start.
      - V(starttls) changes to encryption before anything of the mail is sent, or fails.
      - V(try) does that where the server offers it, and else sends the mail in the clear, but never a password. To this
        machine itself it does not encrypt.
      - V(never) does not encrypt.
      - The server's certificate is always checked. The environment variable E(SSL_CERT_FILE) can name a file with other
        certificate authorities.
    type: str
    choices:
      - always
      - never
      - starttls
      - try
    default: try
  sender:
    description: The address that the mail is from, with or without a name.
    type: str
    required: true
  to:
    description: The addresses that it goes to, with or without names.
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
      - A text that is the same where the mail is the same. The header C(Message-ID) follows from it, so that mail
        servers and programs that go by that header show a mail once that was sent twice.
      - Without it, each mail has another one.
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
- name: Make the report
  jetstream.cloud.jetstream_usage_report:
    page: ~/jetstream.html
  register: report

- name: Mail it by the mail server of this machine
  jetstream.cloud.jetstream_mail:
    sender: johndoe@example.edu
    to: johndoe@example.edu
    subject: Jetstream usage
    body: "{{ report.text }}"
    attach: ~/jetstream.html

- name: Mail it by a server that wants a login
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
  description: The addresses, as they were given. If the server refused some of them, the task fails and names them.
  returned: success
  type: list
  elements: str
  sample: [johndoe@example.edu]
"""

from ..module_utils.operations.mail import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
