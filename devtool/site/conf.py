# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of Sphinx for the documentation site, which ``devtool.docsite`` builds."""

from __future__ import annotations

import sys
from pathlib import Path

# The extension is imported from the checkout, wherever Sphinx was started.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "jetstream.cloud"
copyright = "2026 jetstream.cloud contributors"  # noqa: A001 Sphinx's name
extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinx_copybutton", "devtool.site.extension"]

nitpicky = True
default_role = "any"
highlight_language = "YAML+Jinja"
# Pygments knows Terraform's language in part, and highlights that part.
suppress_warnings = ["misc.highlighting_failure"]
# Headings get anchors, as on GitHub and GitLab.
myst_heading_anchors = 6
myst_enable_extensions = ["colon_fence", "attrs_block"]
# The copy button copies the commands of a block, without prompts and output.
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = "jetstream.cloud"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
# The hyphens of commands stay as they are.
smartquotes = False
# The styles of accessible-pygments with the greatest contrast.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
# The colors of the reference are in site.css, since Furo switches between light and dark in its own way.
antsibull_ext_color_scheme = "none"
