# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_identity_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, JetstreamError
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION

SPEC = CONNECTION


def identity_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the accounts at providers that the login can use, and the providers."""
    catalog = cloud.catalog()
    identities = [each.to_result() for each in catalog.identities()]
    try:
        providers = [asdict(each) for each in catalog.providers()]
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        warning = f"{error} The providers are missing."
        return Outcome({"identities": identities, "providers": None}, warnings=(warning,))
    return Outcome({"identities": identities, "providers": providers})


OPERATION = on_cloud(identity_info)
