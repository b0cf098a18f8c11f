# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""Makes the tables of nova or of neutron:  make_tables.py nova CELL0_URL | make_tables.py neutron URL

nova-manage would need a process of four seconds for each of its four commands. neutron's migrations alter constraints,
which SQLite cannot do, so its tables are made from the models, as in neutron's own tests.
"""

from __future__ import annotations

import sys


def nova(cell0_url: str) -> None:
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    from nova import config, objects
    from nova.api.openstack import wsgi_app
    from nova.cmd import manage

    config.parse_args(["nova-manage"], default_config_files=wsgi_app._get_config_files()[1:])
    objects.register_all()
    cells = manage.CellV2Commands()
    steps = (
        manage.ApiDbCommands().sync,
        lambda: cells.map_cell0(cell0_url),
        manage.DbCommands().sync,
        lambda: cells.create_cell("cell1"),
    )
    for number, step in enumerate(steps):
        failed = step()
        if failed:
            sys.exit(f"step {number} of nova's databases ended with {failed}")


def neutron(url: str) -> None:
    import sqlalchemy
    from neutron.db.migration.models import head
    from neutron_lib.db import model_base

    assert head  # its import registers the models
    model_base.BASEV2.metadata.create_all(sqlalchemy.create_engine(url))


if __name__ == "__main__":
    {"nova": nova, "neutron": neutron}[sys.argv[1]](sys.argv[2])
