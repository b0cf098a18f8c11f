# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports only the configuration and the errors of openstacksdk. See docs/jetstream2.md, Login."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_PACKAGE = "openstack"


@contextmanager
def _some_home() -> Iterator[None]:
    """Set HOME for users without a home: the import of openstacksdk fails without it."""
    if os.path.isabs(os.path.expanduser("~")):
        yield
        return
    before = os.environ.get("HOME")
    os.environ["HOME"] = os.devnull
    try:
        yield
    finally:
        del os.environ["HOME"]
        if before is not None:
            os.environ["HOME"] = before


@contextmanager
def _without_clients() -> Iterator[None]:
    """Allow imports of parts of openstacksdk without its ``__init__``, which imports the clients of all services.

    This saves 470 modules, and 0.1 s of each task. Afterwards, the modules of openstacksdk are removed from
    ``sys.modules``, so that another plugin in the process can import the whole library. If it is imported already, this
    has no effect.
    """
    spec = None if _PACKAGE in sys.modules else find_spec(_PACKAGE)
    if spec is None:
        yield
        return
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        yield
    finally:
        for name in [each for each in sys.modules if each.partition(".")[0] == _PACKAGE]:
            del sys.modules[name]


def _config_and_errors() -> tuple[ModuleType, ModuleType]:
    """Import the two modules; if that fails, with the whole library. Raises ImportError without openstacksdk."""
    with _some_home():
        with suppress(Exception), _without_clients():
            return _imported()
        return _imported()


def _imported() -> tuple[ModuleType, ModuleType]:
    from openstack import config, exceptions

    return config, exceptions


try:
    config, errors = _config_and_errors()
except ImportError:
    OPENSTACKSDK_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    OPENSTACKSDK_IMPORT_ERROR = None
