# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/pictures: ``./dev pictures``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.pictures.evening import WIDTH, Evening, play
from ansible_collections.jetstream.cloud.tests.pictures.svg import paper, screen
from PIL import Image

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PAGE_SIZE = (820, 1000)
_COLORS = 32
# Its longest command.
_OF_MAIL = 118
# Settings of the user that would lead to another cloud.
_HIDDEN = ("ANSIBLE_", "JETSTREAM_", "OS_", "XDG_")


def main() -> int:
    for name in [each for each in os.environ if each.startswith(_HIDDEN)]:
        del os.environ[name]
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        seen = play(Path(folder), charts=True)
        for name, svg in drawings(seen).items():
            (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        _photograph(seen.page, Path(folder))
    for path in sorted(PICTURES.iterdir()):
        print(f"docs/pictures/{path.name}: {path.stat().st_size // 1024 + 1} KB")
    return 0


def drawings(seen: Evening) -> dict[str, str]:
    """Return the SVG of each picture of text, by its name."""
    drawn = {name: screen(name, text, width=WIDTH) for name, text in seen.screens.items()}
    return {**drawn, "idle_mail": paper("idle_mail", seen.mail, width=_OF_MAIL)}


def _photograph(page: str, folder: Path) -> None:
    """Have a browser make the picture of the page, with as few colors as it needs."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        print("There is no chromium: usage_report.png stays as it is.", file=sys.stderr)
        return
    source, picture = folder / "page.html", folder / "page.png"
    source.write_text(page, encoding="utf-8")
    size = f"--window-size={_PAGE_SIZE[0]},{_PAGE_SIZE[1]}"
    options = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder}/profile",
    )
    subprocess.run(
        [program, *options, size, f"--screenshot={picture}", source.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    Image.open(picture).convert("RGB").quantize(_COLORS).save(PICTURES / "usage_report.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
