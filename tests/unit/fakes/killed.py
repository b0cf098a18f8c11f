# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a process, within a test."""

from __future__ import annotations


class Killed(BaseException):
    """Ends a run as a kill does: no handler of Exception runs, and nothing more is sent."""
