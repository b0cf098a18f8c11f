# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser that looks at the site finds what a reader would."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtool.site_browser import browser, findings

WIDE = '<div style="width: 500px">wide</div>'
PALE = '<p style="color: #999">pale</p>'
PALE_WHEN_DARK = "<style>body[data-theme=dark] { background: #111; color: #444 }</style><p>unseen</p>"
FINE = '<div style="overflow-x: auto"><div style="width: 2000px">scrolls by itself</div></div><i hidden>x</i>'


def test_pages_that_are_too_wide_or_hard_to_read_are_found(tmp_path: Path) -> None:
    program = browser()
    if program is None:
        pytest.skip("there is no chromium")
    for name, body in {"wide": WIDE, "pale": PALE, "dark": PALE_WHEN_DARK, "fine": FINE}.items():
        page = f'<!DOCTYPE html><meta name="viewport" content="width=device-width"><body>{body}'
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")

    found = findings(program, tmp_path)

    assert [each for each in found if each.startswith("fine.html")] == []
    [wide] = [each for each in found if each.startswith("wide.html")]
    assert "in a window of 390 px" in wide
    assert [each.split(": ")[1] for each in found if each.startswith("pale.html")] == ["light", "dark"]
    assert [each.split(": ")[1] for each in found if each.startswith("dark.html")] == ["dark"]
