# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for the site with the documentation. ``devtool.docsite`` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

# Sphinx reads this file from anywhere, and imports the extension by its name.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "jetstream.cloud"
copyright = "2026 jetstream.cloud contributors"  # noqa: A001 Sphinx's name
extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinx_copybutton", "devtool.site.extension"]

nitpicky = True
default_role = "any"
highlight_language = "YAML+Jinja"
# Pygments does not know all of Terraform's language, and marks what it knows.
suppress_warnings = ["misc.highlighting_failure"]
# Anchors of headings, as forges make them.
myst_heading_anchors = 6
myst_enable_extensions = ["colon_fence", "attrs_block"]
# A copied block is its commands, without prompts and output.
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = "jetstream.cloud"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
# Dashes in commands stay dashes.
smartquotes = False
# With the greatest contrast of those that accessible-pygments has.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
# Of the reference. They are in site.css, since Furo switches between light and dark in a way of its own.
antsibull_ext_color_scheme = "none"
