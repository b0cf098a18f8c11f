# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the public keys that instances are launched with."""

from __future__ import annotations

from ...cloud import AccessStore
from ...errors import ConfigurationError, Conflict
from ...model import KeyPair
from ...resending import Resender
from ...text.taken import is_key_name
from ...text.terminal import one_line

_MIN_WORDS = 2


def public_key_of(given: str) -> str:
    """Return a public key as one line. Raises ConfigurationError for anything else, such as a private key."""
    key = given.strip()
    if "PRIVATE KEY" in key:
        # The message quotes nothing of it: it may be a private key.
        raise ConfigurationError("public_key is a private key.", hint="Use the content of the file that ends in .pub.")
    if len(key.splitlines()) != 1 or len(key.split()) < _MIN_WORDS:
        raise ConfigurationError("public_key is not a public key.", hint="Example: ssh-ed25519 AAAAC3Nza... name@host")
    return key


def require_key_name(name: str) -> None:
    """Raise ConfigurationError for a name that nova does not take for another key pair."""
    if not is_key_name(name):
        raise ConfigurationError(
            f"{one_line(name)} cannot be the name of a key pair.",
            hint="Nova takes the letters A to Z, digits, blanks, hyphens and underscores, and no blank at the ends.",
        )


def require_same(found: KeyPair, wanted: KeyPair, hint: str) -> None:
    """Raise ConfigurationError if an existing key pair of the wanted name has another key."""
    if found.material != wanted.material:
        fingerprint = one_line(found.fingerprint or "no fingerprint")
        raise ConfigurationError(f"The key pair {one_line(found.name)} has a different key ({fingerprint}).", hint=hint)


def imported(store: AccessStore, wanted: KeyPair, resender: Resender) -> KeyPair:
    """Import a public key, and return the key pair.

    A lost response, or the import of the same key by another run, is not an error. Raises ConfigurationError if another
    key was imported under the name.
    """

    def find() -> KeyPair | None:
        return store.get_key(wanted.name)

    try:
        made = resender.send(lambda: store.import_key(wanted.name, wanted.public_key), find)
    except Conflict:
        found = resender.read(find)
        if found is None:
            raise
        made = found
    require_same(made, wanted, "Another run imported it. Choose a different name for one of them.")
    return made


def removed(store: AccessStore, name: str, resender: Resender) -> None:
    """Delete a key pair. A missing one is not an error. Raises any JetstreamError."""

    def delete() -> bool:
        store.delete_key(name)
        return True

    resender.send(delete, lambda: store.get_key(name) is None or None)
