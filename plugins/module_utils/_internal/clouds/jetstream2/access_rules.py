# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access rules of an application credential, which allow certain requests.

The response to any other request is 401, as for an invalid token (docs/jetstream2.md, Login).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import PermissionDenied

Rule = Mapping[str, Any]
_MOST_SHOWN = 5


def access_rules(access: Any) -> Sequence[Rule]:
    """Return the rules of the credential behind a token of keystoneauth; none for an unrestricted credential."""
    token = (getattr(access, "_data", None) or {}).get("token") or {}
    rules = (token.get("application_credential") or {}).get("access_rules")
    return [each for each in rules if isinstance(each, dict)] if isinstance(rules, list) else []


def may_be_allowed(rules: Sequence[Rule], method: str, path: str) -> bool:
    """Return whether any rule allows a request. Services are not compared, since a service has several names."""
    bare = path.partition("?")[0]
    return not rules or any(
        str(each.get("method")).upper() == method and _matches(str(each.get("path")), bare) for each in rules
    )


def access_rules_refusal(rules: Sequence[Rule], method: str, service: str, path: str) -> PermissionDenied:
    """Return the error for the response 401 to a request."""
    shown = [f"{each.get('method')} {each.get('path')} ({each.get('service')})" for each in rules[:_MOST_SHOWN]]
    more = [f"{len(rules) - _MOST_SHOWN} more"] if len(rules) > _MOST_SHOWN else []
    return PermissionDenied(
        f"{service} refused {method} {path.partition('?')[0]} (HTTP 401). The access rules of the application "
        f"credential allow only {', '.join([*shown, *more])}.",
        hint="Create one whose rules allow this request, or one without rules. Some sites cannot check rules.",
        status=401,
    )


def _matches(pattern: str, path: str) -> bool:
    """Return whether a path matches, by the rules of keystone: * and {name} match one part, ** any number of parts."""
    parts = re.split(r"(\*\*|\*|\{[^}]*\})", pattern)
    expression = "".join(
        ".*" if part == "**" else "[^/]+" if part == "*" or part.startswith("{") else re.escape(part) for part in parts
    )
    return re.fullmatch(expression, path) is not None
