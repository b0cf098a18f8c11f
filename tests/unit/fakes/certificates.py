# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of servers on loopback."""

from __future__ import annotations

import ssl

import trustme


def server_context(authority: trustme.CA, *hosts: str) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate for these hosts, by default those of loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(hosts or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context
