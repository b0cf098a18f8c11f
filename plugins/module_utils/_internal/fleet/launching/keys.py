# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the public keys that instances are launched with."""

from __future__ import annotations

from ...cloud import AccessStore
from ...errors import ConfigurationError, Conflict, ServerFault, UnexpectedResponse, Unreachable
from ...model import KeyPair
from ...text.terminal import one_line

_MIN_WORDS = 2
# After these, the key may have been imported, by this request or by another run.
_UNCLEAR = (Conflict, ServerFault, UnexpectedResponse, Unreachable)


def public_key_of(given: str) -> str:
    """Return a public key of one line. Raises ConfigurationError for what is none, such as a private key."""
    key = given.strip()
    if "PRIVATE KEY" in key:
        # It is quoted nowhere.
        raise ConfigurationError("public_key is a private key.", hint="Use the content of the file that ends in .pub.")
    if len(key.splitlines()) != 1 or len(key.split()) < _MIN_WORDS:
        raise ConfigurationError("public_key is not a public key.", hint="Example: ssh-ed25519 AAAAC3Nza... name@host")
    return key


def require_same(found: KeyPair, wanted: KeyPair, hint: str) -> None:
    """Raise ConfigurationError if a key pair that is there has another key than the wanted one of its name."""
    if found.material != wanted.material:
        fingerprint = one_line(found.fingerprint or "no fingerprint")
        raise ConfigurationError(f"The key pair {one_line(found.name)} has a different key ({fingerprint}).", hint=hint)


def imported(store: AccessStore, wanted: KeyPair) -> KeyPair:
    """Import a public key, and return the key pair.

    It is no error if another run imported the same key meanwhile, or if the response was lost. Raises
    ConfigurationError if another key was imported under the name.
    """
    try:
        return store.import_key(wanted.name, wanted.public_key)
    except _UNCLEAR as error:
        if error.unsent:
            raise
        found = store.get_key(wanted.name)
        if found is None:
            raise
        require_same(found, wanted, "Another run imported it. Choose a different name for one of them.")
        return found
