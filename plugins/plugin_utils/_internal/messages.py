# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splits a readout into messages that a chat service takes. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

# More messages than these would bury a channel. What does not fit into them is counted in the last one.
MOST_MESSAGES = 10
# For the line that numbers a message, and the one that counts what is left out.
_RESERVED = 200


@dataclass(frozen=True, slots=True)
class Limit:
    """The size of a message, and what counts towards it.

    ``size`` is in the units of ``cost``, which returns that of a line. ``envelope`` is the cost of an empty message.
    """

    size: int
    envelope: int
    cost: Callable[[str], int]


def _of_slack(line: str) -> int:
    return len(line) + 1 + 4 * line.count("&") + 3 * (line.count("<") + line.count(">"))


def _of_teams(line: str) -> int:
    # A line is a block of a card, in which two blanks become two that are no white space.
    return len(json.dumps(line.replace("  ", "\u00a0\u00a0"))) + 140


# By the variable webhook_format. Slack splits a text beyond 4,000 characters by itself, and so in the middle of a block
# of code, and takes 3,000 in a block. Teams refuses a body of more than 28 KB, and counts each character as two bytes
# where it does not know the encoding.
LIMITS: Mapping[str, Limit] = {
    "slack": Limit(3_000, 20, _of_slack),
    "teams": Limit(12_000, 400, _of_teams),
}


def split(text: str, limit: Limit, subject: str = "") -> list[list[str]]:
    """Return the lines of each message, at least one message.

    Each message has ``subject`` as well. Where there are several, their first line is such as "(1 of 3)". Beyond
    ``MOST_MESSAGES``, the last line says how many lines are left out.
    """
    # Subjects are sentences. A longer one leaves room for lines all the same.
    room = max(limit.size - limit.envelope - _RESERVED - limit.cost(subject), limit.size // 2)
    lines = [piece for line in text.splitlines() for piece in _pieces(line, room, limit.cost)]
    pages: list[list[str]] = [[]]
    spent = 0
    for line in lines:
        cost = limit.cost(line)
        if spent + cost > room and pages[-1]:
            pages.append([])
            spent = 0
        pages[-1].append(line)
        spent += cost
    kept, beyond = pages[:MOST_MESSAGES], pages[MOST_MESSAGES:]
    if beyond:
        count = sum(map(len, beyond))
        kept[-1] += ["", f"and {count} more line{'' if count == 1 else 's'}: a mail (mail_to) has all of them"]
    if len(kept) == 1:
        return kept
    return [[f"({number} of {len(kept)})", *page] for number, page in enumerate(kept, 1)]


def _pieces(line: str, room: int, cost: Callable[[str], int]) -> Iterator[str]:
    """Yield a line, in several pieces if it does not fit into a message."""
    while cost(line) > room:
        # The cost of a text is at most twelve for each character.
        end = max(room // 12, 1)
        while end < len(line) and cost(line[: end + 1]) <= room:
            end += 1
        yield line[:end]
        line = line[end:]
    yield line
