# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP: one session with a pool of connections, timeouts, and retries by verb. Knows no API."""

from __future__ import annotations

import json
import random
import ssl
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..clock import Clock
from ..errors import (
    ConfigurationError,
    UnexpectedResponse,
    Unreachable,
)
from .loopback import is_loopback

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

# What a gateway answers when nobody behind it could be asked, or asked to wait.
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
# Until a server has answered once, an address that nobody answers at is more likely mistyped than busy.
_FIRST_CONTACT_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: C(status), and C(body) as parsed from JSON, or None where it was not JSON."""

    status: int
    body: Any
    is_json: bool
    content_type: str
    retry_after: float | None
    location: str | None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to talk: seconds per request, seconds in all for retries of one request, and whom to trust."""

    timeout: float
    retry_timeout: float
    validate_certs: bool = True
    ca_path: str | None = None
    connections: int = 16


class Transport:
    """Sends requests to one server. May be used by many threads at once."""

    def __init__(
        self,
        base_url: str,
        wire: HttpSettings,
        clock: Clock,
        *,
        json_by_any_name: bool = False,
        jitter: Callable[[float], float] = lambda longest: random.uniform(0, longest),
    ) -> None:
        """Open no connection yet. C(jitter) draws a pause from 0 to the seconds it is given.

        C(json_by_any_name): what is JSON is taken for that, whatever the server calls it.

        Raises ConfigurationError if there are no certificates in what the wire's ca_path names.
        """
        self._base_url = base_url
        self._wire = wire
        self._clock = clock
        self._json_by_any_name = json_by_any_name
        self._jitter = jitter
        self._gate = threading.Lock()
        self._not_before = 0.0
        self._answered = False
        self._closed = False
        self._session = _session(wire)
        self._proxies = _proxies(base_url)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        extra_time: float = 0.0,
    ) -> Response:
        """Send a request, again where that can do no harm, and return the last answer, whatever its status.

        C(extra_time): seconds that the server may work on the answer beyond the timeout, since it is a long one.

        A GET is sent again after a lost connection and after 429, 502, 503 and 504; anything else only where it was
        surely not carried out: no connection was made, or the server said 429, or 503 with Retry-After.

        Raises Unreachable if no answer came.
        """
        start = self._clock.monotonic()
        longest = _FIRST_PAUSE
        while True:
            self._wait_for_gate()
            try:
                reply = self._send(method, path, headers, params, data, extra_time)
            except Unreachable as error:
                if not (method == "GET" or error.unsent) or not error.transient:
                    raise
                if not self._pause(self._jitter(longest), start + self._patience(error)):
                    raise
            else:
                self._answered = True
                if not _try_again(method, reply):
                    return reply
                if reply.retry_after is not None:
                    self._close_gate(reply.retry_after)
                pause = self._jitter(longest) if reply.retry_after is None else reply.retry_after
                if not self._pause(pause, start + self._wire.retry_timeout):
                    return reply
            longest = min(longest * 2, _LONGEST_PAUSE)

    def close(self) -> None:
        """Give all connections back. What threads that are still at work would send from now on is not sent."""
        self._closed = True
        self._session.close()

    def _patience(self, error: Unreachable) -> float:
        if error.unsent and not self._answered:
            return min(self._wire.retry_timeout, _FIRST_CONTACT_TIMEOUT)
        return self._wire.retry_timeout

    def _pause(self, seconds: float, give_up: float) -> bool:
        """Sleep, unless that would go past the time to give up."""
        if self._clock.monotonic() + seconds > give_up:
            return False
        self._clock.sleep(seconds)
        return True

    def _close_gate(self, seconds: float) -> None:
        """Hold back the requests of all threads: the server asked for it, and it means all of them."""
        with self._gate:
            self._not_before = max(self._not_before, self._clock.monotonic() + min(seconds, self._wire.retry_timeout))

    def _wait_for_gate(self) -> None:
        """Sleep until the time that the server asked for, which it may put off meanwhile."""
        while True:
            with self._gate:
                wait = self._not_before - self._clock.monotonic()
            if wait <= 0:
                return
            self._clock.sleep(wait)

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
        extra_time: float,
    ) -> Response:
        patience = self._wire.timeout + extra_time
        if self._closed:
            raise Unreachable("The request was not sent, since the run has ended.", unsent=True, transient=False)
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                params=params,
                json=data,
                headers=dict(headers),
                timeout=(self._wire.timeout, patience),
                # A redirected POST becomes a GET, and a redirected token goes to a stranger.
                allow_redirects=False,
                # Said with the request, since REQUESTS_CA_BUNDLE comes before what the session says.
                verify=self._session.verify,
                proxies=self._proxies,
            )
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            # Raised below: the original error holds the token.
            response = None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _unreachable(error, self._base_url, self._wire, patience) from error
        if response is None:
            raise ConfigurationError("The token holds characters that no HTTP header may hold.")
        return _reply(response, self._clock.now(), json_by_any_name=self._json_by_any_name)


def _session(wire: HttpSettings) -> requests.Session:
    if wire.validate_certs and wire.ca_path:
        _check_certificates(Path(wire.ca_path))
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=wire.connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.verify = (wire.ca_path or True) if wire.validate_certs else False
    if not wire.validate_certs:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    # A session cookie of Atmosphere makes a request with a bad token succeed, as whoever logged in last.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Without an auth of its own, requests takes one from ~/.netrc and puts it in the place of the token.
    session.auth = _leave_as_it_is
    return session


def _proxies(base_url: str) -> dict[str, str]:
    """Keep a proxy out of talk with the machine itself: it could not reach that, and would read it in the clear."""
    host = urlsplit(base_url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else {}


def _check_certificates(path: Path) -> None:
    """Refuse a file without certificates by its name. Later on, it would look as if the server's were at fault."""
    try:
        if not path.is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        raise ConfigurationError(
            f"There is no certificate that can be read in {path} (ca_path).", hint="It has to be in the format PEM."
        ) from None


def _leave_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _try_again(method: str, reply: Response) -> bool:
    if reply.status not in _RETRYABLE_STATUSES:
        return False
    if reply.status == 503 and reply.is_json and reply.retry_after is None:
        # A 503 that explains itself is maintenance (docs/atmosphere.md, Maintenance): it lasts for hours.
        return False
    if method == "GET":
        return True
    return reply.status == 429 or (reply.status == 503 and reply.retry_after is not None)


def _reply(response: requests.Response, now: datetime, *, json_by_any_name: bool) -> Response:
    content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    is_json, body = _parse(response.content) if json_by_any_name or content_type.endswith("json") else (False, None)
    return Response(
        status=response.status_code,
        body=body,
        is_json=is_json,
        content_type=content_type,
        retry_after=_seconds(response.headers.get("Retry-After"), now),
        location=response.headers.get("Location"),
    )


def _parse(content: bytes) -> tuple[bool, Any]:
    try:
        return True, json.loads(content)
    except ValueError:
        return False, None


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read Retry-After, which is a number of seconds or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _unreachable(error: Exception, base_url: str, wire: HttpSettings, patience: float) -> Exception:
    """Say in one sentence why no answer came within C(patience) seconds, and whether another try makes sense."""
    causes = [type(each).__name__ for each in _causes(error)]
    text = " ".join(str(each) for each in _causes(error))
    if isinstance(error, requests.exceptions.SSLError):
        return _insecure(error, base_url)
    if isinstance(error, requests.exceptions.ProxyError):
        return Unreachable(f"The proxy on the way to {base_url} did not answer: {_innermost(error)}.")
    if "LocationParseError" in causes or isinstance(error, requests.exceptions.InvalidURL):
        return ConfigurationError(f"{base_url} is not an address that can be used as api_url.")
    if "NameResolutionError" in causes or "gaierror" in causes or "Name or service not known" in text:
        return Unreachable(
            f"The host of {base_url} was not found.", hint="Check api_url, and the network.", unsent=True
        )
    if "ConnectTimeoutError" in causes or isinstance(error, requests.exceptions.ConnectTimeout):
        return Unreachable(f"{base_url} could not be connected to within {wire.timeout:g} s.", unsent=True)
    if "NewConnectionError" in causes:
        return Unreachable(f"{base_url} could not be connected to: {_innermost(error)}.", unsent=True)
    if isinstance(error, requests.exceptions.Timeout) or "ReadTimeoutError" in causes:
        return Unreachable(f"{base_url} did not answer within {patience:g} s.", hint="A larger timeout may help.")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return UnexpectedResponse(f"{base_url} sent an answer that could not be decoded.")
    return Unreachable(f"The connection to {base_url} was lost before an answer came: {_innermost(error)}.")


def _insecure(error: requests.exceptions.SSLError, base_url: str) -> Unreachable:
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return Unreachable(
                f"The certificate of {base_url} was not accepted: {each.verify_message.rstrip('.')}.",
                hint="If the site has its own certificate authority, name its file with ca_path.",
                transient=False,
            )
    broken_off = any(isinstance(each, ssl.SSLEOFError) for each in _causes(error))
    return Unreachable(
        f"No secure connection to {base_url} could be made: {_innermost(error)}.",
        hint="Does the server speak https at that port?",
        transient=broken_off,
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Unpack what requests and urllib3 wrap around an error."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        each = todo.pop(0)
        if not isinstance(each, BaseException) or each in found:
            continue
        found.append(each)
        todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return found


def _innermost(error: BaseException) -> str:
    """Return the plainest words among the causes."""
    for each in reversed(_causes(error)):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return str(_causes(error)[-1]).rstrip(".")
