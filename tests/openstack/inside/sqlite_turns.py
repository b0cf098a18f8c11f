# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""Lets many threads of one service write to SQLite.

oslo.db begins each transaction with a plain BEGIN, which takes no lock. If the transaction reads first and writes
later, and another thread has written in between, SQLite does not wait, whatever the timeout, but fails with "database
is locked". So a transaction for writing begins with BEGIN IMMEDIATE here, for which SQLite does wait. In addition, the
writers of one service take turns, since SQLite's own way to wait is to sleep and try again.

Only oslo.db's transaction scope knows whether a transaction is for writing. This module uses two private names for
that: the scope, and the mode of a writer.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import event
from sqlalchemy.engine import Engine

_state = threading.local()
_turns: dict[str, Any] = {}
_guard = threading.Lock()


def _turn(database: str) -> Any:
    with _guard:
        return _turns.setdefault(database, threading.RLock())


def install() -> None:
    """Change how oslo.db begins transactions in this process."""
    manager = enginefacade._TransactionContextManager
    plain_scope = manager._transaction_scope

    @contextlib.contextmanager
    def scope(self: Any, context: Any) -> Iterator[Any]:
        writes = self._mode is enginefacade._WRITER
        before = getattr(_state, "writes", False)
        turn = _turn(str(self.writer.get_engine().url)) if writes else contextlib.nullcontext()
        with turn:
            _state.writes = writes
            try:
                with plain_scope(self, context) as resource:
                    yield resource
            finally:
                _state.writes = before

    def begin(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> Any:
        if statement == "BEGIN" and getattr(_state, "writes", False):
            statement = "BEGIN IMMEDIATE"
        return statement, parameters

    manager._transaction_scope = scope
    event.listen(Engine, "before_cursor_execute", begin, retval=True)
