# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes secrets from data, in the same way with every ansible-core.

Ansible's own function for that is deprecated since 2.22, and modules no longer remove secrets that they learned
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# The replacements for a text that is a secret, and for a secret within a text.
WHOLE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
PART = "********"


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """Return a copy of JSON-like data in which no text and no number contains a secret.

    Keys of dictionaries, booleans and None stay as they are. Empty secrets are ignored.
    """
    # Longest first: one secret may contain another.
    return _masked(value, sorted(filter(None, secrets), key=len, reverse=True))


def _masked(value: Any, secrets: list[str]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _masked_text(value, secrets)
    if isinstance(value, (int, float)):
        return WHOLE if any(secret in str(value) for secret in secrets) else value
    if isinstance(value, Mapping):
        return {key: _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(each, secrets) for each in value]
    return value


def _masked_text(text: str, secrets: list[str]) -> str:
    if text in secrets:
        return WHOLE
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, PART)
    return text
