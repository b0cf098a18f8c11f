# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one server over a pool of connections, each once, in limited time, without redirects or cookies."""

from __future__ import annotations

import io
import json
import ssl
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError, JetstreamError, UnexpectedResponse, Unreachable
from .bounded import ENCODINGS, LARGEST_RESPONSE, POOLS, TooLarge, Undecodable, read_body
from .loopback import is_loopback

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
    HTTPAdapter = object  # type: ignore[assignment, misc]
else:
    REQUESTS_IMPORT_ERROR = None


@dataclass(frozen=True, slots=True)
class Response:
    """A response. ``body``: the parsed JSON, or None if it is not JSON (``is_json`` is False).

    ``content_type``: in lower case, without parameters. ``retry_after`` and ``location``: the headers, unparsed.
    """

    status: int
    body: Any
    is_json: bool
    content_type: str
    retry_after: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The HTTP settings of a connection.

    ``timeout``: seconds to connect, and again for the response. ``retry_timeout``: seconds for the retries of a request
    after its first failure. ``ca_path``: a file or folder of trusted certificates. ``connections``: the maximum number
    of connections to a server.
    """

    timeout: float
    retry_timeout: float
    validate_certs: bool = True
    ca_path: str | None = None
    connections: int = 16


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests that reads every response at once, with a limit on its time and size.

    Sessions that other libraries create may use it as well. Raises the exceptions of requests.
    """

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Use the connections of bounded.py."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Use the connections of bounded.py, except for SOCKS proxies, which need connection classes of their own."""
        manager = super().proxy_manager_for(proxy, **more)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager

    def add_headers(self, request: requests.PreparedRequest, **_more: Any) -> None:
        """Accept only compressions whose output can be limited."""
        request.headers["Accept-Encoding"] = ENCODINGS

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request. ``timeout``: seconds for the whole request, including the connection."""
        if isinstance(timeout, int | float):
            timeout = urllib3.Timeout(total=timeout, connect=timeout, read=timeout)
        return super().send(request, stream, timeout, verify, cert, proxies)

    def build_response(self, request: requests.PreparedRequest, raw: Any) -> requests.Response:
        """Return the response with its whole body in memory. ``raw``: the response of urllib3."""
        try:
            body = _Body(read_body(raw))
        except Undecodable as error:
            raise requests.exceptions.ContentDecodingError(error, request=request) from error
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.exceptions.ReadTimeout(error, request=request) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise requests.exceptions.ConnectionError(error, request=request) from error
        body._original_response = raw._original_response
        response = super().build_response(request, raw)
        response.raw = body
        return response


class Session:
    """Sends requests to one server. May be used by many threads at once."""

    def __init__(self, base_url: str, settings: HttpSettings, *, ignore_content_type: bool = False) -> None:
        """Open no connection yet. ``ignore_content_type``: see Transport.

        Raises ConfigurationError if the file ``ca_path`` has no certificates.
        """
        self._base_url = base_url
        self._ignore_content_type = ignore_content_type
        self._session = _requests_session(settings)
        self._proxies = _proxies(base_url)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
        timeouts: tuple[float, float],
        total: float | None = None,
    ) -> Response:
        """Send a request once. ``timeouts``: seconds to connect, and seconds from then to the end of the response.

        ``total``: seconds for both together; None for no further limit.

        Raises Unreachable without a response, UnexpectedResponse for a response that is too large or undecodable, and
        ConfigurationError for an invalid address or token.
        """
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                params=params,
                json=data,
                headers=dict(headers),
                # requests accepts it, too. A tuple, which its type allows, could not limit the total.
                timeout=urllib3.Timeout(total=total, connect=timeouts[0], read=timeouts[1]),  # type: ignore[arg-type]
                # A redirect turns a POST into a GET, and may send the token to another server.
                allow_redirects=False,
                # Passed with the request, since REQUESTS_CA_BUNDLE overrides the session's.
                verify=self._session.verify,
                proxies=self._proxies,
            )
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            # The error is raised below, without this one as its context, which contains the token.
            response = None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise unreachable(error, self._base_url, timeouts) from error
        if response is None:
            raise ConfigurationError("The token contains characters that are not allowed in an HTTP header.")
        return _response(response, ignore_content_type=self._ignore_content_type)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


class _Body(io.BytesIO):
    """The body of a response in memory, with the attribute from which requests extracts cookies."""

    _original_response: Any = None


def _requests_session(settings: HttpSettings) -> requests.Session:
    if settings.validate_certs and settings.ca_path:
        _check_certificates(Path(settings.ca_path))
    session = requests.Session()
    adapter = BoundedAdapter(pool_connections=1, pool_maxsize=settings.connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.verify = (settings.ca_path or True) if settings.validate_certs else False
    if not settings.validate_certs:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    # With a session cookie, Atmosphere accepts a request with an invalid token, as the user of the last login.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Without an auth object, requests would replace the token by credentials from ~/.netrc.
    session.auth = _keep_headers
    return session


def _proxies(base_url: str) -> dict[str, str]:
    """Bypass proxies for a server on this machine: they could not reach it, and would read its unencrypted requests."""
    host = urlsplit(base_url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else {}


def _check_certificates(path: Path) -> None:
    """Raise ConfigurationError for a file without certificates. Later, the error would look like one of the server."""
    try:
        if not path.is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        raise ConfigurationError(
            f"There is no certificate that can be read in {path} (ca_path).", hint="Use a file in PEM format."
        ) from None


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _response(response: requests.Response, *, ignore_content_type: bool) -> Response:
    content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    is_json, body = _parse(response.content) if ignore_content_type or content_type.endswith("json") else (False, None)
    return Response(
        status=response.status_code,
        body=body,
        is_json=is_json,
        content_type=content_type,
        retry_after=response.headers.get("Retry-After"),
        location=response.headers.get("Location"),
    )


def _parse(content: bytes) -> tuple[bool, Any]:
    try:
        return True, json.loads(content)
    except (ValueError, RecursionError):
        return False, None


def unreachable(error: BaseException, base_url: str, timeouts: tuple[float, float]) -> JetstreamError:
    """Return the error for a request without a usable response, in one sentence.

    ``timeouts``: the seconds of the request, see Session. Its ``unsent`` and ``transient`` decide about retries.
    """
    causes = [type(each).__name__ for each in _causes(error)]
    text = " ".join(str(each) for each in _causes(error))
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_error(error, base_url)
    if isinstance(error, requests.exceptions.ProxyError):
        return Unreachable(f"The proxy on the way to {base_url} did not respond: {_innermost(error)}.")
    if "LocationParseError" in causes or isinstance(error, requests.exceptions.InvalidURL):
        return ConfigurationError(f"{base_url} is not a valid address.")
    if "NameResolutionError" in causes or "gaierror" in causes or "Name or service not known" in text:
        return Unreachable(
            f"The host of {base_url} was not found.", hint="Check the address, and the network.", unsent=True
        )
    if "ConnectTimeoutError" in causes or isinstance(error, requests.exceptions.ConnectTimeout):
        return Unreachable(f"{base_url} could not be connected to within {timeouts[0]:.3g} s.", unsent=True)
    if "NewConnectionError" in causes:
        return Unreachable(f"{base_url} could not be connected to: {_innermost(error)}.", unsent=True)
    if isinstance(error, requests.exceptions.Timeout) or "ReadTimeoutError" in causes:
        return Unreachable(f"{base_url} did not respond within {timeouts[1]:.3g} s.", hint="Increase timeout.")
    if any(isinstance(each, TooLarge) for each in _causes(error)):
        return UnexpectedResponse(f"{base_url} sent a response of more than {LARGEST_RESPONSE >> 20} MiB.")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return UnexpectedResponse(f"{base_url} sent a response that could not be decoded.")
    return Unreachable(f"The connection to {base_url} was lost before a response came: {_innermost(error)}.")


def _tls_error(error: requests.exceptions.SSLError, base_url: str) -> Unreachable:
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return Unreachable(
                f"The certificate of {base_url} was not accepted: {each.verify_message.rstrip('.')}.",
                hint="If the site has a private certificate authority, set ca_path to its file.",
                transient=False,
            )
    was_interrupted = any(isinstance(each, ssl.SSLEOFError) for each in _causes(error))
    return Unreachable(
        f"No secure connection to {base_url} could be made: {_innermost(error)}.",
        hint="Check that the server supports https at that port.",
        transient=was_interrupted,
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and all errors that it wraps, the outermost first."""
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
    """Return the message of the innermost cause: that of the operating system, if there is one."""
    for each in reversed(_causes(error)):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return str(_causes(error)[-1]).rstrip(".")
