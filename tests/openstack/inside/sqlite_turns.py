# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""Make SQLite hold when many threads of one service write.

oslo.db begins each transaction with a plain BEGIN, which takes no lock. Such a transaction reads, then wants to write.
If another thread has written meanwhile, SQLite does not wait but refuses at once: "database is locked". A timeout is
no help. So a transaction that is opened for writing begins as one, with BEGIN IMMEDIATE, for which SQLite
does wait. And the writers of one service take turns: left alone, SQLite waits by sleeping and trying again.

That a transaction is for writing is known to oslo.db's transaction scope alone, which is a private name. It and
the name of that mode are the only ones that are touched.
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
    """Change how oslo.db opens transactions, in this process."""
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
