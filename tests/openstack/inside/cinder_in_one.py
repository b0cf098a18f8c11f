# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""All of cinder as threads of one process, over an in-memory exchange as in nova_in_one.py: volume, scheduler, API."""

from __future__ import annotations

import os
import sys

from cinder import monkey_patch

monkey_patch.patch()

# isort: split
import os_brick
from cinder import i18n, objects

i18n.enable_lazy()

from cinder import rpc, service, version
from cinder.common import config, constants
from cinder.wsgi import wsgi
from oslo_log import log as logging

CONF = config.CONF


def _start_services() -> None:
    objects.register_all()
    CONF(sys.argv[1:], project="cinder", version=version.version_string())
    logging.setup(CONF, "cinder")
    os_brick.setup(CONF)
    rpc.init(CONF)
    # the volume service first: the scheduler waits for up to a minute until one has reported its capacity
    (backend,) = CONF.enabled_backends
    service.Service.create(
        host=f"{CONF.host}@{backend}", service_name=backend, binary=constants.VOLUME_BINARY, coordination=True
    ).start()
    service.Service.create(binary=constants.SCHEDULER_BINARY).start()


sys.argv += ["--config-file", os.environ["CINDER_CONFIG"]]
_start_services()
application = wsgi.initialize_application()
