# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, as the APIs and the modules write them: ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def moment(text: object, zone: tzinfo = UTC) -> datetime:
    """Read a date or time, in ``zone`` where it names none. Raises ValueError for any other text or type."""
    read = datetime.fromisoformat(text if isinstance(text, str) else "")
    return read if read.tzinfo else read.replace(tzinfo=zone)


def moment_or_none(text: object, zone: tzinfo = UTC) -> datetime | None:
    """Read a date or time. None for any other text or type."""
    try:
        return moment(text, zone)
    except ValueError:
        return None


def iso_of(seconds: float) -> str:
    """Write seconds since 1970 as ``iso`` does."""
    return iso(datetime.fromtimestamp(seconds, UTC))


def iso_or_none(seconds: float | None) -> str | None:
    """Write seconds since 1970 as ``iso`` does. None stays None."""
    return None if seconds is None else iso_of(seconds)


def iso(time: datetime) -> str:
    """Write a time as the APIs do: UTC, whole seconds, with a Z."""
    return f"{time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
