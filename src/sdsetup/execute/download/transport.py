"""One question over HTTP, and its answer: a head, and a body that is still to be read.

On urllib3 rather than on the requests above it, because of what requests does with an answer: it reads the
body of every redirect to its end (a hotel's login page may be endless), takes proxies and certificates from
this process' own environment, and hides `read1` and `shutdown`, which a transfer of hours needs.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
from collections.abc import Mapping

import urllib3

from sdsetup.catalog.addresses import Address
from sdsetup.decide.proxies import Proxy, ProxyError
from sdsetup.machine import Machine
from sdsetup.machine.web_errors import BrokenError, broken
from sdsetup.machine.web_policy import USER_AGENT, CertificatesError, connections, proxy_for
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_INTERIM = range(101, 200)

# A clock that is years off shows in a certificate that is out of its dates: we say so, and once.
urllib3.disable_warnings(urllib3.exceptions.SystemTimeWarning)


class FinalResponse(http.client.HTTPResponse):
    """Reads past every interim answer (103 Early Hints); the standard library does so for 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status not in _INTERIM:
                return version, status, reason
            http.client.parse_headers(self.fp)


class Reply:
    """An answer whose body has not been read yet. `headers`: names in lower case.

    Whoever reads it closes it. From another thread only `shutdown` is allowed: to close what is being read
    hangs or crashes in the library below.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, manager: urllib3.PoolManager, host: str) -> None:
        self._response = response
        self._manager = manager
        self._host = host
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def read(self, most: int, *, at_once: bool, unpack: bool) -> bytes:
        """The next bytes of the body, none at its end. `at_once`: what is there already, rather than `most`.

        Raises:
            BrokenError: the connection broke, or the body is not what its head promised.
        """
        try:
            if at_once:
                return self._response.read1(most, decode_content=unpack)
            return self._response.read(most, decode_content=unpack)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise BrokenError(Text("no data for a long time"), "stalled") from error
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise broken(error, self._host, None) from error

    def shutdown(self) -> None:
        """Let a thread that waits in `read` go. On Windows it goes when its time limit ends."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has just ended by itself
            self._response.shutdown()

    def close(self) -> None:
        self._response.close()
        self._manager.clear()


def ask(
    address: Address,
    machine: Machine,
    *,
    connect_timeout: float,
    read_timeout: float,
    headers: Mapping[str, str],
    method: str = "GET",
) -> Reply:
    """Ask once; a redirect is an answer like any other.

    `connect_timeout`: seconds for each address of the name; `read_timeout`: for each wait for bytes.

    Raises:
        BrokenError: with the cause in one sentence; permanent where a repetition cannot help.
    """
    proxy, manager = _way(address, machine)
    try:
        pool = manager.connection_from_host(address.host, address.port, address.scheme)
        pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": FinalResponse})
        response = pool.urlopen(
            method,
            address.target,
            headers={"User-Agent": USER_AGENT, **_HEADERS, **headers},
            timeout=urllib3.Timeout(connect=connect_timeout, read=read_timeout),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
    except BaseException as error:
        manager.clear()
        if isinstance(error, (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)):
            raise broken(error, address.host, proxy) from error
        raise
    _log.info("%s: HTTP %d", address.plain, response.status)
    return Reply(response, manager, address.host)


def _way(address: Address, machine: Machine) -> tuple[Proxy | None, urllib3.PoolManager]:
    try:
        proxy = proxy_for(address, machine)
        return proxy, connections(address, proxy, machine.env)
    except ProxyError as error:
        raise BrokenError(error.why, "proxy-unusable", permanent=True) from error
    except CertificatesError as error:
        raise BrokenError(error.why, "certificates-unreadable", permanent=True) from error
