# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses that are slow, or do not end until their time is over."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["drip", "drip-all", "endless", "bomb", "continue"]
_PIECE = 2**20


@dataclass(frozen=True)
class Stream:
    """A way to send a response.

    ``kind``:
      "drip": status and headers at once, then the body, a byte at a time;
      "drip-all": the whole response a byte at a time, from its status line on;
      "endless": the body, and then blanks for ever;
      "bomb": instead of the body, ``size`` blanks, compressed by gzip to a thousandth;
      "continue": no response, but ``100 Continue``, again and again.
    """

    kind: Kind
    # Seconds between two pieces.
    pace: float = 0.01
    # The bytes of an unpacked bomb.
    size: int = 2**30
    # Seconds after which the connection is broken, if it has not ended before.
    lasting: float = 60.0

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown kind."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind of stream: {self.kind!r}")


class TimeIsUp(Exception):
    """A stream has lasted as long as it may."""


async def pieces(stream: Stream, body: bytes) -> AsyncIterator[bytes]:
    """Yield the body of a response in pieces. Raises TimeIsUp."""
    ends = time.monotonic() + stream.lasting
    for piece in _pieces_at_first(stream, body):
        _insist_on_time(ends)
        yield piece
        await asyncio.sleep(stream.pace if stream.kind == "drip" else 0)
    while stream.kind == "endless":
        _insist_on_time(ends)
        yield b" " * 1024
        await asyncio.sleep(stream.pace)


async def write_slowly(stream: Stream, transport: asyncio.Transport, answer: bytes) -> None:
    """Write a response byte by byte, or interim responses for ever, to a connection, and then break it."""
    ends = time.monotonic() + stream.lasting
    at = 0
    while not transport.is_closing() and time.monotonic() < ends:
        if stream.kind == "continue":
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif at < len(answer):
            transport.write(answer[at : at + 1])
            at += 1
        else:
            transport.close()
            return
        await asyncio.sleep(stream.pace)
    transport.abort()


def _insist_on_time(ends: float) -> None:
    if time.monotonic() >= ends:
        raise TimeIsUp


def _pieces_at_first(stream: Stream, body: bytes) -> list[bytes]:
    if stream.kind == "bomb":
        return _bomb(stream.size)
    return [body[at : at + 1] for at in range(len(body))] if stream.kind == "drip" else [body]


def _bomb(size: int) -> list[bytes]:
    """Return gzip members of a megabyte of blanks each, of which only the first has to be compressed."""
    whole, rest = divmod(size, _PIECE)
    return [_packed(_PIECE)] * whole + ([_packed(rest)] if rest else [])


def _packed(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(b" " * size) + packer.flush()
