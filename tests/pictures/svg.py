# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a terminal, or a mail, as SVG: small, without fonts or addresses of other sites, and readable as text."""

from __future__ import annotations

import html
import io
import re
import textwrap

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

# Colors with a contrast of 7 or more on their ground.
_SCREEN = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 161, 152),
        (126, 231, 135),
        (242, 204, 96),
        (121, 192, 255),
        (226, 181, 255),
        (118, 227, 234),
        (230, 237, 243),
    ],
)
_PAPER = TerminalTheme((255, 255, 255), (31, 35, 40), [(31, 35, 40)] * 8)
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<!-- Copyright (c) 2026 jetstream.cloud contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later -->
<desc>@DESCRIPTION@</desc>
<style>.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
<rect fill="@GROUND@" stroke="#6e7781" x="1" y="1" rx="8"
style="width: calc(100% - 2px); height: calc(100% - 2px)"/>
<g transform="translate({terminal_x}, 16)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
_DESCRIPTION = re.compile(r"<desc>(.*?)</desc>", re.DOTALL)


def screen(name: str, text: str, *, width: int) -> str:
    """Return the SVG of what a terminal shows, with its colors."""
    return _svg(name, Text.from_ansi(text.rstrip()), width, _SCREEN)


def paper(name: str, text: str, *, width: int) -> str:
    """Return the SVG of a text, such as a mail, whose long lines are wrapped."""
    lines = [part for line in text.rstrip().splitlines() for part in textwrap.wrap(line, width) or [""]]
    return _svg(name, Text("\n".join(lines)), width, _PAPER)


def text_of(svg: str) -> str:
    """Return the text that a picture was made of."""
    found = _DESCRIPTION.search(svg)
    return html.unescape(found[1]) if found else ""


def _svg(name: str, text: Text, width: int, theme: TerminalTheme) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text)
    drawn = console.export_svg(title="", theme=theme, code_format=_FORMAT, unique_id=name.replace("_", "-"))
    # A title bar is not drawn.
    drawn = re.sub(r'(viewBox="0 0 \S+) (\S+)"', lambda size: f'{size[1]} {float(size[2]) - 16:.1f}"', drawn, count=1)
    return drawn.replace("@DESCRIPTION@", html.escape(text.plain)).replace("@GROUND@", theme.background_color.hex)
