# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a connection to any cloud has."""

from __future__ import annotations

from ..http.session import HttpSettings
from .reader import Reader
from .setting import Setting

DEFAULT_TIMEOUT = 60.0
DEFAULT_RETRY_TIMEOUT = 60.0
DEFAULT_CONCURRENCY = 16
_MOST_CONCURRENCY = 64

PROFILE = Setting(
    name="profile",
    description=(
        "The name of a table in C(~/.config/jetstream/profiles.toml) with settings of the same names as these options.",
        "The environment takes precedence over the profile, even if this option selects the profile.",
    ),
    otherwise="V(default), if there is such a table",
    in_profile=False,
)
HTTP: tuple[Setting, ...] = (
    Setting(
        name="validate_certs",
        type="bool",
        description=("Whether to require a trusted certificate. Never disable it if a password is sent.",),
        otherwise="V(true)",
    ),
    Setting(
        name="ca_path",
        type="path",
        description=(
            "A file (PEM), or a folder prepared by C(openssl rehash), with the trusted certificate authorities.",
        ),
        otherwise="the authorities that C(requests) trusts, those of E(REQUESTS_CA_BUNDLE) or its own",
    ),
    Setting(
        name="timeout",
        type="float",
        description=(
            "The timeout of one request in seconds, for the connection, and then for the whole response.",
            "A list of 100 instances takes about 10.",
        ),
        otherwise=f"V({DEFAULT_TIMEOUT:g})",
    ),
    Setting(
        name="retry_timeout",
        type="float",
        description=(
            "The seconds during which a failed request is retried.",
            "It is retried if the server was busy, did not respond in time, or the connection was lost.",
            "V(0) for never.",
        ),
        otherwise=f"V({DEFAULT_RETRY_TIMEOUT:g})",
    ),
    Setting(
        name="concurrency",
        type="int",
        description=(
            f"The maximum number of parallel requests, from 1 to {_MOST_CONCURRENCY}.",
            "A lower number reduces the load of a busy server.",
        ),
        otherwise=f"V({DEFAULT_CONCURRENCY})",
    ),
    Setting(
        name="allow_http",
        type="bool",
        description=(
            "Whether to send a login unencrypted to an address with C(http).",
            "It is always allowed for this machine itself.",
        ),
        otherwise="V(false)",
    ),
)


def read_http_settings(reader: Reader) -> HttpSettings:
    """Return how to talk to a server."""
    return HttpSettings(
        validate_certs=reader.flag("validate_certs", default=True),
        ca_path=reader.path("ca_path"),
        timeout=reader.seconds("timeout", default=DEFAULT_TIMEOUT, zero=False),
        retry_timeout=reader.seconds("retry_timeout", default=DEFAULT_RETRY_TIMEOUT, zero=True),
        connections=reader.count("concurrency", default=DEFAULT_CONCURRENCY, most=_MOST_CONCURRENCY),
    )
