# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""All of nova as threads of one process: conductor, scheduler, compute and API.

They communicate over oslo.messaging's in-memory exchange, which works in one process only, and needs no broker.
"""

from __future__ import annotations

import sys

from nova import monkey_patch

monkey_patch.patch(backend="threading")

# isort: split
import os_brick
import os_vif
from nova import context, service, utils
from nova.api.openstack import wsgi_app
from nova.compute import rpcapi as compute_rpcapi
from nova.conductor import rpcapi as conductor_rpcapi
from nova.conf import CONF
from nova.objects import host_mapping
from nova.scheduler import rpcapi as scheduler_rpcapi
from nova.scheduler.client import report
from oslo_privsep import priv_context
from oslo_service import opts as service_opts

import scripted

# nova looks for compute_driver below nova.virt only
sys.modules["nova.virt.scripted"] = scripted
# For each new server, nova requests the allocations of every other server from placement, one request each, so that the
# driver can rearrange them. This driver never does, and a hundred servers would take minutes.
report.SchedulerReportClient.get_allocations_for_provider_tree = lambda self, context, nodename: {}


def _start_services() -> None:
    service_opts.register_service_opts(CONF)
    priv_context.init(root_helper=utils.get_root_helper().split())
    os_brick.setup(CONF)
    os_vif.initialize()
    service.Service.create(binary="nova-conductor", topic=conductor_rpcapi.RPC_TOPIC).start()
    service.Service.create(binary="nova-scheduler", topic=scheduler_rpcapi.RPC_TOPIC).start()
    service.Service.create(
        binary="nova-compute", topic=compute_rpcapi.RPC_TOPIC, topic_alt=compute_rpcapi.RPC_TOPIC_ALT
    ).start()
    # the scheduler only sees a host that is mapped to its cell
    host_mapping.discover_hosts(context.get_admin_context())


# the API comes first: it reads the configuration of all services
application = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
_start_services()
