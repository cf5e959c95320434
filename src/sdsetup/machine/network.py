"""Knocking at addresses and ports, with as little as it takes: sockets, and TLS only once somebody answers."""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from sdsetup.machine.answers import PortState, Reached

if TYPE_CHECKING:
    import ssl

_DENIED = {13, 10013}  # EACCES, WSAEACCES: on Windows a port that Hyper-V has reserved
_ENOUGH = 4096


def port(number: int) -> PortState:
    """Try to listen on 127.0.0.1, as the web UI will."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            if sys.platform == "win32":
                # Without this another program's listening port can be taken a second time.
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", number))
            tried.listen(1)
    except OSError as error:
        denied = error.errno in _DENIED or getattr(error, "winerror", None) in _DENIED
        return PortState(free=False, reserved=denied, detail=str(error))
    except OverflowError:
        return PortState(detail="not a port number")
    return PortState(free=True)


def reach(url: str, *, proxy: str | None, env: Mapping[str, str], seconds: float) -> Reached:
    """Ask for an address' head. Any answer of the host itself counts as reached, except a refusal by law.

    `proxy` is an `http://[name:password@]host:port`, or None. The certificate is checked: what answers
    in the host's name without being the host (a hotel's page, a company's filter) must not count.
    """
    try:
        parts = urlsplit(url)
        through = urlsplit(proxy) if proxy else None
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        known = known and (through is None or (through.hostname and through.port != 0))
    except ValueError:
        known = False
    if not known:
        return Reached(problem="unknown", detail=f"not tried: no web address in {url}")
    end = time.monotonic() + seconds
    try:
        return _ask(parts, through, env, end)
    except socket.gaierror as error:
        return Reached(problem="proxy" if proxy else "dns", detail=str(error))
    except TimeoutError:
        return Reached(problem="timeout", detail=f"no answer within {seconds:.0f} s")
    except ConnectionError as error:
        return Reached(problem="proxy" if proxy else "refused", detail=str(error))
    except (OSError, ValueError) as error:
        tls = type(error).__module__ == "ssl"  # its errors are OSErrors; the module may not be loaded at all
        return Reached(problem="tls" if tls else "refused", detail=str(error))


def _ask(parts: SplitResult, through: SplitResult | None, env: Mapping[str, str], end: float) -> Reached:
    host = parts.hostname or ""
    number = parts.port or (443 if parts.scheme == "https" else 80)
    if through is not None and through.scheme not in ("", "http"):
        return Reached(problem="unknown", detail=f"not tried: the proxy speaks {through.scheme}")
    first = (through.hostname or "", through.port or 80) if through else (host, number)
    # As bytes an ASCII name is looked up as it is; as text Python loads its tables of all letters for it.
    named = first[0].encode() if first[0].isascii() else first[0]
    with socket.create_connection((named, first[1]), timeout=_left(end)) as line:  # type: ignore[arg-type]
        if through is not None and parts.scheme == "https":
            status = _exchange(line, _connect(host, number, through), end)
            if status != 200:
                return Reached(problem="proxy", detail=f"the proxy answered {status} to CONNECT {host}:{number}")
        path = parts.path or "/"
        if through is not None and parts.scheme == "http":
            path = parts.geturl()
        request = (
            f"HEAD {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            "User-Agent: sdsetup\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        if parts.scheme == "http":
            return _judge(_exchange(line, request, end))
        context = _tls(env.get("SSL_CERT_FILE") or env.get("REQUESTS_CA_BUNDLE"))
        line.settimeout(_left(end))
        with context.wrap_socket(line, server_hostname=host) as secured:
            return _judge(_exchange(secured, request, end))


def _judge(status: int) -> Reached:
    if status == 451:
        return Reached(problem="http-451", detail="refused for legal reasons where you are")
    if status == 407:
        return Reached(problem="proxy", detail="the proxy wants a name and a password")
    return Reached() if status else Reached(problem="refused", detail="the connection was closed unanswered")


def _connect(host: str, number: int, through: SplitResult) -> str:
    lines = [f"CONNECT {host}:{number} HTTP/1.1", f"Host: {host}:{number}"]
    if through.username:
        pair = f"{unquote(through.username)}:{unquote(through.password or '')}"
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair.encode()).decode())
    return "\r\n".join(lines) + "\r\n\r\n"


def _exchange(line: socket.socket, request: str, end: float) -> int:
    """The status number of the answer's first line, 0 when there was none."""
    line.settimeout(_left(end))
    line.sendall(request.encode("ascii", "replace"))
    seen = b""
    while b"\r\n\r\n" not in seen and len(seen) < _ENOUGH:
        line.settimeout(_left(end))
        more = line.recv(1024)
        if not more:
            break
        seen += more
    words = seen.split(b"\r\n", 1)[0].split()
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else 0


@lru_cache(maxsize=4)
def _tls(own: str | None) -> ssl.SSLContext:
    """Checks certificates against the person's own file where one is named, else against the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    places = ssl.get_default_verify_paths()
    if own:
        context.load_verify_locations(cafile=own)
    elif sys.platform == "linux" and places.capath:
        # A folder of certificates is searched as needed; the one big file takes three times as long to read.
        context.load_verify_locations(capath=places.capath)
    elif sys.platform == "win32" or (places.cafile and Path(places.cafile).exists()):
        context.load_default_certs()
    else:  # python.org's Python for macOS brings none until its own command is run; our downloads use these
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
