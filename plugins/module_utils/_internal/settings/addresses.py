# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of servers, as people write them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigurationError
from ..http.loopback import is_loopback
from . import values
from .sources import Found

_PORTS = {"http": 80, "https": 443}


def server_address(found: Found, *, example: str) -> str:
    """Return an address as scheme://host[:port][/path], without a query and a trailing slash.

    Without a scheme it is https. Raises ConfigurationError, which begins with the setting, if it is no such address;
    ``example`` is one for the hint.
    """
    text, subject = values.text(found), found.subject
    if "@" in text:
        # Said first and without the text, which may hold a password.
        raise ConfigurationError(
            f"{subject} contains an @, as if it included a user or a password.",
            hint="Set only the address here, and username and password as separate settings.",
        )
    if not text.isprintable() or " " in text or "\\" in text:
        raise ConfigurationError(f"{subject} is not the address of a server: it contains spaces or invalid characters.")
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else "https"
    if scheme not in _PORTS:
        raise ConfigurationError(f"{subject} begins with {scheme}://, but must begin with https://.")
    parts = _split(f"{scheme}://{rest if separator else text.lstrip('/')}")
    if parts is None:
        raise ConfigurationError(f"{subject} is not the address of a server.", hint=f"Example: {example}")
    host = parts.hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if parts.port in (None, _PORTS[scheme]) else f":{parts.port}"
    return f"{scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def refuse_plain_http(address: str, subject: str, secret: str) -> None:
    """Raise ConfigurationError if a secret would be sent in the clear to another machine."""
    if address.startswith("http://") and not is_loopback(urlsplit(address).hostname or ""):
        raise ConfigurationError(
            f"{subject} is {address}, which would send the {secret} unencrypted.",
            hint="Use https://, or set allow_http if nobody else can read the traffic of that network.",
        )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        # Where the port is no number, this raises.
        return parts if parts.port != 0 and _is_host(parts.hostname or "") else None
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return bool(re.fullmatch(r"\w(?:[\w.-]*[\w.])?", host)) and ".." not in host
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
