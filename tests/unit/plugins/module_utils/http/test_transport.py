# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request is resent only if that is safe, and only to its server. Every missing response is explained."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import urllib3
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    JetstreamError,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.deadline import Deadline
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import HttpSettings, Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.transport import Transport
from ansible_collections.jetstream.cloud.tests.unit.fakes.certificates import server_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import (
    DROP,
    SILENCE,
    Flow,
    Loopback,
    answer,
    refusing_port,
)

OK = answer(200, {"fine": True})
TRUNCATED = answer(200, {"fine": True}, length=99999)
GIBBERISH = b"\x00\x01 this is not HTTP\r\n\r\n"
PAGE = answer(503, "<html>Busy</html>", content_type="text/html")
HEADERS = {"Accept": "application/json", "Authorization": "Token 0123456789abcdef"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@contextmanager
def transport(clock: FakeClock, url: str, *, deadline: Deadline | None = None, **more: Any) -> Iterator[Transport]:
    settings: dict[str, Any] = {"timeout": 5.0, "retry_timeout": 60.0, **more}
    made = Transport(url, HttpSettings(**settings), clock, deadline=deadline, jitter=lambda longest: longest)
    try:
        yield made
    finally:
        made.close()


def get(sender: Transport, path: str = "/api") -> Response:
    return sender.request("GET", path, headers=HEADERS)


def post(sender: Transport, path: str = "/api") -> Response:
    return sender.request("POST", path, headers=HEADERS, data={"action": "stop"})


def error_from(sender: Transport, method: str = "GET") -> JetstreamError:
    with pytest.raises(JetstreamError) as raised:
        sender.request(method, "/api", headers=HEADERS)
    return raised.value


# --- requests and responses ------------------------------------------------------------------------------------------


def test_a_request_is_sent_with_its_parts(clock: FakeClock) -> None:
    with Loopback(OK, OK) as server, transport(clock, server.url) as sender:
        reply = sender.request("GET", "/api", headers=HEADERS, params={"page": "2"})
        post(sender)
    assert (reply.status, reply.body, reply.is_json, reply.content_type) == (
        200,
        {"fine": True},
        True,
        "application/json",
    )
    assert [(each.method, each.path, each.body) for each in server.received] == [
        ("GET", "/api?page=2", b""),
        ("POST", "/api", b'{"action": "stop"}'),
    ]
    assert {each.headers["authorization"] for each in server.received} == {"Token 0123456789abcdef"}
    assert {each.headers["accept"] for each in server.received} == {"application/json"}
    assert server.connections == 1, "connections are kept"


@pytest.mark.parametrize(
    ("sent", "is_json", "body"),
    [
        (answer(200, "[1]", content_type="application/json; charset=utf-8"), True, [1]),
        (answer(200, "[1]", content_type="application/problem+json"), True, [1]),
        (answer(200, "<html>", content_type="text/html"), False, None),
        (answer(200, "{", content_type="application/json"), False, None),
        (answer(200, b"\xff\xfe{", content_type="application/json"), False, None),
        (answer(200, "[1]", content_type=None), False, None),
        (answer(204, b"", content_type=None), False, None),
    ],
)
def test_only_json_is_parsed_as_json(clock: FakeClock, sent: bytes, is_json: bool, body: Any) -> None:
    with Loopback(sent) as server, transport(clock, server.url) as sender:
        reply = get(sender)
    assert (reply.is_json, reply.body) == (is_json, body)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_follows_no_redirect(clock: FakeClock, method: str, status: int) -> None:
    with Loopback() as elsewhere:
        moved = answer(status, b"", headers={"Location": f"{elsewhere.url}/auth"})
        with Loopback(moved) as server, transport(clock, server.url) as sender:
            reply = sender.request(method, "/auth/", headers=HEADERS)
    assert (reply.status, reply.location) == (status, f"{elsewhere.url}/auth")
    assert len(server.received) == 1
    assert elsewhere.received == []


def test_keeps_no_cookie(clock: FakeClock) -> None:
    session = answer(201, {}, headers={"Set-Cookie": "atmo_sessionid=abc; Path=/"})
    with Loopback(session, OK) as server, transport(clock, server.url) as sender:
        post(sender, "/auth")
        get(sender)
    assert all("cookie" not in each.headers for each in server.received)


def test_takes_no_password_from_netrc(clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login eve password evil\ndefault login eve password evil\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Loopback(OK, OK) as server, transport(clock, server.url) as sender:
        get(sender)
        sender.request("GET", "/api", headers={})
    assert server.received[0].headers["authorization"] == "Token 0123456789abcdef"
    assert "authorization" not in server.received[1].headers


# --- again, or not ---------------------------------------------------------------------------------------------------

# The first answer -> whether a GET is sent again, and whether any other request is.
AGAIN: list[tuple[str, bytes, bool, bool]] = [
    ("200", OK, False, False),
    ("404", answer(404, {}), False, False),
    ("500", answer(500, "<html>", content_type="text/html"), False, False),
    ("429", answer(429, {}), True, True),
    ("429 with Retry-After", answer(429, {}, headers={"Retry-After": "7"}), True, True),
    ("502", answer(502, "<html>", content_type="text/html"), True, False),
    ("503 page", PAGE, True, False),
    ("503 page with Retry-After", answer(503, "", content_type="text/html", headers={"Retry-After": "7"}), True, True),
    ("503 maintenance", answer(503, {"detail": "Upgrade: back at noon"}), False, False),
    ("503 maintenance with Retry-After", answer(503, {}, headers={"Retry-After": "7"}), True, True),
    ("504", answer(504, {}), True, False),
    ("dropped", DROP, True, False),
    ("truncated", TRUNCATED, True, False),
    ("gibberish", GIBBERISH, True, False),
]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(("what", "first", "get_again", "other_again"), AGAIN, ids=[each[0] for each in AGAIN])
def test_sends_again_only_where_it_can_do_no_harm(
    clock: FakeClock, method: str, what: str, first: bytes, get_again: bool, other_again: bool
) -> None:
    again = get_again if method == "GET" else other_again
    with Loopback(first, OK) as server, transport(clock, server.url) as sender:
        try:
            reply = sender.request(method, "/api", headers=HEADERS)
        except Unreachable:
            assert not again
        else:
            assert (reply.body == {"fine": True}) == (again or what == "200")
    assert len(server.received) == 1 + again
    assert clock.sleeps == ([7.0 if "Retry-After" in what else 0.5] if again else [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_never_left_is_sent_again_for_a_while(clock: FakeClock, method: str) -> None:
    with refusing_port() as nobody, transport(clock, f"http://127.0.0.1:{nobody.getsockname()[1]}") as sender:
        error = error_from(sender, method)
    assert clock.sleeps == [0.5, 1, 2, 4], "a stranger is not waited for as long as a server that answered before"
    assert str(error) == f"http://127.0.0.1:{nobody_port(error)} could not be connected to: Connection refused."


def nobody_port(error: JetstreamError) -> str:
    return str(error).split(":")[2].split(" ")[0]


def test_a_server_that_answered_before_is_waited_for(clock: FakeClock) -> None:
    with Loopback(OK) as server, transport(clock, server.url, retry_timeout=30.0) as sender:
        get(sender)
        sender._session.close()
        server.answers.extend([DROP] * 20)
        error = error_from(sender)
    assert clock.sleeps == [0.5, 1, 2, 4, 8, 10]
    assert isinstance(error, Unreachable)


def test_gives_up_in_time_and_reports_the_last_answer(clock: FakeClock) -> None:
    with Loopback(otherwise=PAGE) as server, transport(clock, server.url) as sender:
        assert get(sender).status == 503
    assert clock.sleeps == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    assert clock.monotonic() <= 60


def test_pauses_are_spread(clock: FakeClock) -> None:
    drawn: list[float] = []

    def half(longest: float) -> float:
        drawn.append(longest)
        return longest / 2

    with Loopback(PAGE, PAGE, PAGE, OK) as server:
        sender = Transport(server.url, HttpSettings(timeout=5, retry_timeout=60), clock, jitter=half)
        get(sender)
        sender.close()
    assert drawn == [0.5, 1, 2]
    assert clock.sleeps == [0.25, 0.5, 1]


def test_without_retries_nothing_is_sent_twice(clock: FakeClock) -> None:
    with Loopback(PAGE) as server, transport(clock, server.url, retry_timeout=0) as sender:
        assert get(sender).status == 503
    assert len(server.received) == 1
    assert clock.sleeps == []


# --- Retry-After -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("soon", 0.5),
        ("", 0.5),
        ("30 seconds later", 0.5),
        (lambda now: format_datetime(now + timedelta(seconds=20), usegmt=True), 20.0),
        # A zone that is not there is GMT.
        (lambda now: format_datetime(now + timedelta(seconds=20), usegmt=True).removesuffix(" GMT"), 20.0),
    ],
)
def test_waits_as_long_as_the_server_says(clock: FakeClock, said: Any, pause: float) -> None:
    value = said if isinstance(said, str) else said(clock.now())
    with (
        Loopback(answer(429, {}, headers={"Retry-After": value}), OK) as server,
        transport(clock, server.url) as sender,
    ):
        assert get(sender).status == 200
    assert clock.sleeps == [pause]


@pytest.mark.parametrize(
    "said",
    [
        "0",
        "-3",
        "nan",
        "1e-300",
        "Mon, 01 Jan 0001 00:00:00 +1400",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        lambda now: format_datetime(now - timedelta(seconds=20), usegmt=True),
    ],
)
def test_a_server_that_sends_no_retry_after_is_given_one_all_the_same(clock: FakeClock, said: Any) -> None:
    value = said if isinstance(said, str) else said(clock.now())
    with (
        Loopback(otherwise=answer(429, {}, headers={"Retry-After": value})) as server,
        transport(clock, server.url) as sender,
    ):
        assert get(sender).status == 429
    assert clock.sleeps == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]


@pytest.mark.parametrize("said", ["61", "86400", "inf", "9" * 400, "Fri, 31 Dec 9999 23:59:59 -1400"])
def test_does_not_wait_longer_than_the_user_would(clock: FakeClock, said: str) -> None:
    with (
        Loopback(answer(429, {}, headers={"Retry-After": said})) as server,
        transport(clock, server.url) as sender,
    ):
        assert get(sender).status == 429
    assert clock.sleeps == []


def test_all_requests_wait_when_the_server_says_so(clock: FakeClock) -> None:
    """While one waits for 30 s, another begins: it is held back for the same 30 s."""
    others: list[float] = []

    def meanwhile(seconds: float) -> None:
        if threading.current_thread().name == "another":
            others.append(seconds)
            return
        thread = threading.Thread(target=lambda: get(sender), name="another")
        thread.start()
        thread.join(10)

    clock.meanwhile = meanwhile
    with (
        Loopback(answer(429, {}, headers={"Retry-After": "30"}), OK, OK) as server,
        transport(clock, server.url) as sender,
    ):
        get(sender)
    assert others == [30.0]
    assert len(server.received) == 3


def test_a_waiting_request_waits_on_if_another_is_made_to_wait_longer(clock: FakeClock) -> None:
    with Loopback(OK) as server, transport(clock, server.url) as sender:

        def told_to_wait_longer(_seconds: float) -> None:
            clock.meanwhile = None
            sender._hold_back(35.0)

        clock.meanwhile = told_to_wait_longer
        sender._hold_back(30.0)
        get(sender)
    assert clock.sleeps == [30.0, 5.0]


def test_the_retry_after_of_a_request_that_is_sent_once_holds_back_the_next_one(clock: FakeClock) -> None:
    with (
        Loopback(answer(429, {}, headers={"Retry-After": "20"}), OK) as server,
        transport(clock, server.url) as sender,
    ):
        assert sender.request("POST", "/api", headers=HEADERS, once=True).status == 429
        assert (clock.sleeps, len(server.received)) == ([], 1)
        assert sender.request("POST", "/api", headers=HEADERS, once=True).status == 200
    assert clock.sleeps == [20.0]


def test_a_second_shorter_retry_after_does_not_end_the_first(clock: FakeClock) -> None:
    """While one thread waits for 30 s, another one, whose request was on its way, is told to wait for 5 s."""
    with Loopback(OK) as server, transport(clock, server.url) as sender:

        def told_to_wait_shorter(_seconds: float) -> None:
            clock.meanwhile = None
            sender._hold_back(5.0)

        clock.meanwhile = told_to_wait_shorter
        sender._hold_back(30.0)
        sender._hold_back(5.0)
        get(sender)
    assert clock.sleeps == [30.0]


# --- in time, and of a size ------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = HEAD + b"Content-Length: 99999999999\r\n\r\n"
CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW: dict[str, Flow] = {
    "a status line": Flow(b"HTTP/1.1 200 ", b"O", 0.05),
    "headers": Flow(HEAD, b"X-Header: x\r\n", 0.05),
    "interim answers": Flow(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "a body": Flow(BODY, b" ", 0.05),
    "chunks": Flow(CHUNKS, b"1\r\n \r\n", 0.05),
    "a chunk's size": Flow(CHUNKS, b"0", 0.05),
}
ENDLESS: dict[str, Flow] = {
    "interim answers": Flow(b"", b"HTTP/1.1 100 Continue\r\nX: " + b"x" * 60000 + b"\r\n\r\n"),
    "a body": Flow(BODY, b" " * 60000),
    "chunks": Flow(CHUNKS, b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"),
    "a body without a length": Flow(HEAD + b"Connection: close\r\n\r\n", b" " * 60000),
}


def timed_error(sender: Transport) -> tuple[JetstreamError, float]:
    begun = time.monotonic()
    error = error_from(sender)
    return error, time.monotonic() - begun


@pytest.mark.parametrize("what", SLOW)
def test_an_answer_that_comes_byte_by_byte_is_given_up_in_time(clock: FakeClock, what: str) -> None:
    with Loopback(SLOW[what]) as server, transport(clock, server.url, timeout=0.4, retry_timeout=0) as sender:
        error, seconds = timed_error(sender)
    assert str(error).startswith(f"{server.url} did not respond within 0.4 s.")
    assert 0.3 < seconds < 3


@pytest.mark.parametrize("what", ENDLESS)
def test_an_answer_without_an_end_is_given_up_at_a_size(clock: FakeClock, what: str) -> None:
    with Loopback(ENDLESS[what], OK) as server, transport(clock, server.url, timeout=60) as sender:
        error = error_from(sender)
    assert str(error) == f"{server.url} sent a response of more than 32 MiB."
    assert len(server.received) == 1, "it is not asked for again"


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_a_small_answer_does_not_become_a_huge_one(clock: FakeClock, compress: Callable[[bytes], bytes]) -> None:
    bomb = answer(200, compress(b" " * (33 << 20)), headers={"Content-Encoding": "gzip"})
    assert len(bomb) < 100_000
    with Loopback(bomb) as server, transport(clock, server.url) as sender:
        assert str(error_from(sender)) == f"{server.url} sent a response of more than 32 MiB."


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"fine": ') + gzip.compress(b"true}")),
        ("deflate", zlib.compress(b'{"fine": true}')),
        ("deflate", zlib.compress(b'{"fine": true}')[2:-4]),
        ("identity", b'{"fine": true}'),
    ],
    ids=["gzip in two parts", "zlib", "bare deflate", "identity"],
)
def test_a_compressed_answer_is_read(clock: FakeClock, encoding: str, body: bytes) -> None:
    with (
        Loopback(answer(200, body, headers={"Content-Encoding": encoding})) as server,
        transport(clock, server.url) as sender,
    ):
        assert get(sender).body == {"fine": True}
    assert server.received[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b'{"fine": true}')[:-9]), ("gzip", b"{}"), ("br", b"{}"), ("gzip, gzip", b"{}")],
    ids=["cut off", "not compressed", "brotli", "twice"],
)
def test_a_damaged_answer_is_reported(clock: FakeClock, encoding: str, body: bytes) -> None:
    with (
        Loopback(answer(200, body, headers={"Content-Encoding": encoding})) as server,
        transport(clock, server.url) as sender,
    ):
        assert str(error_from(sender)) == f"{server.url} sent a response that could not be decoded."


def test_json_that_is_nested_without_an_end_is_none(clock: FakeClock) -> None:
    with Loopback(answer(200, "[" * 100_000)) as server, transport(clock, server.url) as sender:
        reply = get(sender)
    assert (reply.is_json, reply.body) == (False, None)


def test_a_get_that_timed_out_is_sent_again_with_the_defaults(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(OK) as server, transport(clock, server.url, timeout=60.0, retry_timeout=60.0) as sender:
        send, seconds = sender._session.send, [60.0, 60.0]

        def send_slowly(*arguments: Any, **more: Any) -> Response:
            if not seconds:
                return send(*arguments, **more)
            clock.advance(seconds.pop())
            raise Unreachable("did not respond within 60 s")

        monkeypatch.setattr(sender._session, "send", send_slowly)
        with pytest.raises(Unreachable):
            get(sender)
        assert len(seconds) == 0, "sent twice: the second one ended a minute after the first one had failed"
        seconds.append(60.0)
        assert get(sender).status == 200


def test_a_request_under_way_is_cut_at_the_deadline(clock: FakeClock) -> None:
    deadline = Deadline(clock)
    deadline.set(clock.monotonic() + 0.3)
    with Loopback(SILENCE) as server, transport(clock, server.url, timeout=60, deadline=deadline) as sender:
        # The clock of a test stands still: without a retry, since there would be time for one.
        clock.meanwhile = lambda _seconds: pytest.fail("there is no time for another try")
        error, seconds = timed_error(sender)
    assert str(error).startswith(f"{server.url} did not respond within 0.3 s.")
    assert 0.2 < seconds < 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_pause_goes_past_the_deadline(clock: FakeClock, method: str) -> None:
    deadline = Deadline(clock)
    deadline.set(10.0)
    busy = answer(429, {}, headers={"Retry-After": "4"})
    with Loopback(otherwise=busy) as server, transport(clock, server.url, deadline=deadline) as sender:
        assert sender.request(method, "/api", headers=HEADERS).status == 429
    assert clock.sleeps == [4.0, 4.0]


def test_all_addresses_of_a_host_are_tried_in_the_time_of_one(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, float]] = []

    def slow(address: tuple[str, int], timeout: float, **_more: Any) -> None:
        tried.append((address[0], timeout))
        time.sleep(min(timeout, 0.15))
        raise TimeoutError("timed out")

    numbers = ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in numbers]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: found)
    monkeypatch.setattr("urllib3.util.connection.create_connection", slow)
    with transport(clock, "https://js2.example", timeout=0.4, retry_timeout=0) as sender:
        error, seconds = timed_error(sender)
    assert isinstance(error, Unreachable)
    assert error.unsent
    assert [each for each, _timeout in tried] == numbers[:3]
    assert tried[0][1] > tried[1][1] > tried[2][1]
    assert seconds < 2


def test_after_the_deadline_nothing_is_sent(clock: FakeClock) -> None:
    deadline = Deadline(clock)
    with Loopback(otherwise=OK) as server, transport(clock, server.url, deadline=deadline) as sender:
        sender._hold_back(30.0)
        deadline.set(10.0)
        error = error_from(sender, "POST")
        assert str(error) == "The request was not sent, since the timeout is over."
        assert isinstance(error, Unreachable)
        assert error.unsent
        assert (clock.sleeps, server.received) == ([10.0], [])
        deadline.set(None)
        assert get(sender).status == 200


# --- no answer, and why ----------------------------------------------------------------------------------------------


def test_an_unknown_host_is_named(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with transport(clock, "https://use.jetstream-clod.org") as sender:
        error = error_from(sender)
    assert str(error) == "The host of https://use.jetstream-clod.org was not found. Check the address, and the network."


@pytest.mark.parametrize("host", ["a" * 64 + ".org", "a..org"])
def test_an_impossible_host_is_refused(clock: FakeClock, host: str) -> None:
    with transport(clock, f"https://{host}") as sender:
        error = error_from(sender)
    assert str(error) == f"https://{host} is not a valid address."


def test_a_host_that_does_not_take_the_connection_is_named(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_progress(*_args: object, **_more: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", no_progress)
    with transport(clock, "https://10.0.0.1", timeout=7) as sender:
        error = error_from(sender, "POST")
    assert str(error) == "https://10.0.0.1 could not be connected to within 7 s."
    assert isinstance(error, Unreachable)
    assert error.unsent


def test_a_server_that_says_nothing_is_given_up(clock: FakeClock) -> None:
    with Loopback(SILENCE) as server, transport(clock, server.url, timeout=0.2, retry_timeout=0) as sender:
        error = error_from(sender)
    assert str(error) == f"{server.url} did not respond within 0.2 s. Increase timeout."
    assert isinstance(error, Unreachable)
    assert not error.unsent


def test_a_long_answer_is_given_more_time(clock: FakeClock) -> None:
    with (
        Loopback(SILENCE) as server,
        transport(clock, server.url, timeout=0.1, retry_timeout=0) as sender,
        pytest.raises(Unreachable) as raised,
    ):
        sender.request("GET", "/api", headers=HEADERS, extra_time=0.15)
    assert str(raised.value).startswith(f"{server.url} did not respond within 0.25 s.")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (DROP, "Remote end closed connection without response"),
        (TRUNCATED, "IncompleteRead(14 bytes read, 99985 more expected)"),
    ],
    ids=["dropped", "truncated"],
)
def test_a_lost_connection_is_reported(clock: FakeClock, sent: bytes, why: str) -> None:
    with Loopback(sent) as server, transport(clock, server.url, retry_timeout=0) as sender:
        error = error_from(sender)
    assert str(error) == f"The connection to {server.url} was lost before a response came: {why}."


def test_an_undecodable_body_is_no_lost_connection(clock: FakeClock) -> None:
    broken = answer(200, zlib.compress(b"{}")[:5] + b"nonsense", headers={"Content-Encoding": "gzip"})
    with Loopback(broken) as server, transport(clock, server.url) as sender:
        error = error_from(sender)
    assert isinstance(error, UnexpectedResponse)
    assert str(error) == f"{server.url} sent a response that could not be decoded."


def test_a_proxy_that_is_not_there_is_distinguished_from_the_server(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_port() as nobody, transport(clock, "https://use.jetstream-cloud.org", retry_timeout=0) as sender:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        error = error_from(sender)
    assert str(error) == (
        "The proxy on the way to https://use.jetstream-cloud.org did not respond: Connection refused."
    )


@pytest.mark.parametrize("token", ["two\nlines", "Zo\u00eb \u2603"])
def test_a_token_that_no_header_may_hold_is_refused_without_being_shown(clock: FakeClock, token: str) -> None:
    with Loopback() as server, transport(clock, server.url) as sender, pytest.raises(ConfigurationError) as raised:
        sender.request("GET", "/api", headers={"Authorization": f"Token {token}"})
    assert str(raised.value) == "The token contains characters that are not allowed in an HTTP header."
    assert raised.value.__context__ is None, "what requests says holds the token"
    assert server.received == []


def test_once_closed_nothing_more_is_sent(clock: FakeClock) -> None:
    with Loopback(OK) as server, transport(clock, server.url) as sender:
        sender.close()
        assert str(error_from(sender, "POST")) == "The request was not sent, since the run has ended."
    assert server.received == []


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_path(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def test_a_strange_certificate_is_refused_at_once(clock: FakeClock, authority: trustme.CA) -> None:
    with Loopback(OK, context=server_context(authority, "127.0.0.1")) as server, transport(clock, server.url) as sender:
        error = error_from(sender)
    assert str(error) == (
        f"The certificate of {server.url} was not accepted: unable to get local issuer certificate. "
        "If the site has a private certificate authority, set ca_path to its file."
    )
    assert server.received == []
    assert clock.sleeps == []


def test_a_certificate_for_another_host_is_refused(clock: FakeClock, authority: trustme.CA, ca_path: str) -> None:
    context = server_context(authority, "example.org")
    with Loopback(OK, context=context) as server, transport(clock, server.url, ca_path=ca_path) as sender:
        error = error_from(sender)
    assert str(error).startswith(
        f"The certificate of {server.url} was not accepted: "
        "IP address mismatch, certificate is not valid for '127.0.0.1'. If the site"
    )
    assert server.received == []


def test_a_server_that_speaks_no_https_is_distinguished_from_one_with_a_bad_certificate(clock: FakeClock) -> None:
    with Loopback(OK) as server, transport(clock, server.url.replace("http:", "https:")) as sender:
        error = error_from(sender)
    assert str(error).startswith(f"No secure connection to https://127.0.0.1:{server.port} could be made: ")
    assert str(error).endswith(". Check that the server supports https at that port.")
    assert clock.sleeps == []


def test_a_known_authority_is_believed(
    clock: FakeClock, authority: trustme.CA, ca_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger))
    context = server_context(authority, "127.0.0.1")
    with Loopback(OK, context=context) as server, transport(clock, server.url, ca_path=ca_path) as sender:
        assert get(sender).status == 200


def test_without_checks_there_is_no_warning(clock: FakeClock, authority: trustme.CA) -> None:
    context = server_context(authority, "example.org")
    with Loopback(OK, context=context) as server, transport(clock, server.url, validate_certs=False) as sender:
        assert get(sender).status == 200


@pytest.mark.parametrize("content", ["", "nothing", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_named(clock: FakeClock, tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as raised:
        Transport("https://127.0.0.1", HttpSettings(timeout=5, retry_timeout=0, ca_path=str(path)), clock)
    assert str(raised.value) == (
        f"There is no certificate that can be read in {path} (ca_path). Use a file in PEM format."
    )


def test_connecting_and_reading_together_end_by_the_deadline(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may take all that is left, but not one after the other."""
    connect = urllib3.util.connection.create_connection

    def slowly(*arguments: Any, **more: Any) -> Any:
        time.sleep(0.4)
        return connect(*arguments, **more)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slowly)
    with Loopback(SILENCE) as server, transport(clock, server.url, timeout=5, retry_timeout=0) as sender:
        sender.limit(clock.monotonic() + 0.6)
        begun = time.monotonic()
        with pytest.raises(Unreachable):
            sender.request("POST", "/", headers={})
        assert time.monotonic() - begun < 0.95


def test_the_second_address_of_a_host_serves_where_the_first_does_not(
    clock: FakeClock, authority: trustme.CA, ca_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def two_addresses(host: str, *arguments: Any, **more: Any) -> Any:
        if host != "localhost":
            return real(host, *arguments, **more)
        return [found for address in ("127.0.0.2", "127.0.0.1") for found in real(address, *arguments, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    with Loopback(OK, OK, context=server_context(authority, "localhost")) as server:
        url = f"https://localhost:{server.port}"
        with transport(clock, url, ca_path=ca_path) as sender:
            assert [get(sender).status, get(sender).status] == [200, 200]
    assert {each.headers["host"] for each in server.received} == {f"localhost:{server.port}"}
    assert server.connections == 1
