# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""Serves one service of the cloud on sockets that its keeper has opened.

Runs in the Python of the OpenStack packages:  serve.py SERVICE KEEPER_PID REQUEST_LOG PUBLIC_FD INTERNAL_FD

The public socket is for the clients under test, and only its requests are counted. The internal socket is for the other
services.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import socket
import sys
import threading
import traceback

from request_log import RequestLog

APPLICATIONS = {
    "identity": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "image": "glance.wsgi.api",
    "network": "neutron.wsgi.api",
    "compute": "nova_in_one",
    "block-storage": "cinder_in_one",
    "accounting": "accounting",
}
PR_SET_PDEATHSIG = 1


def end_with(keeper: int) -> None:
    """Let the kernel end this process when its keeper ends, even if that is killed."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it ended before the line above
        sys.exit(f"the keeper {keeper} is gone")


def main() -> None:
    name, keeper, log_path, public_fd, internal_fd = sys.argv[1:6]
    end_with(int(keeper))
    # keystone, neutron and cinder read sys.argv with oslo.config
    sys.argv = [name]
    if name != "accounting":
        # imported here, since the accounting service does not need these packages
        import sqlite_turns
        from sqlalchemy import orm

        sqlite_turns.install()
    application = importlib.import_module(APPLICATIONS[name]).application
    if name != "accounting":
        # before this, neutron answers its first requests with an error
        orm.configure_mappers()

    from waitress import create_server

    sockets = [socket.socket(fileno=int(fd)) for fd in (public_fd, internal_fd)]
    public_port = str(sockets[0].getsockname()[1])
    counted = RequestLog(application, service=name, path=log_path, public_port=public_port)
    server = create_server(
        counted,
        sockets=sockets,
        threads=10 if name == "compute" else 6,
        # the services keep connections to each other open
        connection_limit=1000,
        channel_timeout=600,
        asyncore_use_poll=True,
        ident=None,
    )
    # no orderly shutdown: the threads of a service do not end by themselves, and no data has to be saved
    signal.signal(signal.SIGTERM, lambda *_unused: os._exit(0))
    print(f"{name} serves on port {public_port}, {threading.active_count()} threads", flush=True)
    server.run()


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        # an ordinary exit would wait for ever for the threads that the service has started
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
