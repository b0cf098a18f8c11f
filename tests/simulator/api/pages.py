# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for browsers: the answers to clients that do not ask for JSON."""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from typing import Any

# Atmosphere's page for every unhandled error. It is not maintenance: that is a 503, in JSON.
BROKEN = "<html>\n<body>\nAtmosphere is currently down for maintenance.\n</body>\n</html>\n"

UNKNOWN = """<html>
    <head>
\t<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
\t<title>
\t    Atmosphere
\t</title>
    </head>
    <body>
\t<h1>Page not found</h1>
    </body>
</html>
"""


def browsable(title: str, status: int, data: Any) -> str:
    """Return a page that shows the JSON."""
    phrase = HTTPStatus(status).phrase
    shown = html.escape(json.dumps(data, indent=4))
    return (
        f'\n\n\n\n<!DOCTYPE html>\n<html>\n  <head>\n    <meta http-equiv="Content-Type" '
        f'content="text/html; charset=utf-8"/>\n    <title>{html.escape(title)}</title>\n  </head>\n'
        f"  <body>\n    <h1>{html.escape(title)}</h1>\n    <pre>HTTP {status} {phrase}\n\n{shown}</pre>\n"
        "  </body>\n</html>\n"
    )
