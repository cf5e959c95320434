"""Knocking at addresses and ports, with as little as it takes: sockets, and TLS only once somebody answers."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping

from sdsetup.catalog.addresses import Address, AddressError, parse_address
from sdsetup.decide.proxies import Proxy, ProxyError, parse_proxy
from sdsetup.machine.answers import PortState, Reached
from sdsetup.machine.web_policy import USER_AGENT, CertificatesError, connections, tls

_DENIED = {13, 10013}  # EACCES, WSAEACCES
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

    `proxy` as it is set, or None. The certificate is checked: what answers in the host's name without
    being the host (a hotel's page, a company's filter) must not count.
    """
    try:
        address = parse_address(url, plain_http=True)
    except AddressError as error:
        return Reached(problem="unknown", detail=f"not tried: {error}")
    end = time.monotonic() + seconds
    try:
        through = parse_proxy(proxy) if proxy else None
        if through is not None and through.scheme != "http":
            return _through_library(address, through, env, seconds)
        return _ask(address, through, env, end)
    except ProxyError as error:
        return Reached(problem="proxy", detail=str(error))
    except CertificatesError as error:
        return Reached(problem="tls", detail=str(error))
    except socket.gaierror as error:
        return Reached(problem="proxy" if proxy else "dns", detail=str(error))
    except TimeoutError:
        return Reached(problem="timeout", detail=f"no answer within {seconds:.0f} s")
    except ConnectionError as error:
        return Reached(problem="proxy" if proxy else "refused", detail=str(error))
    except (OSError, ValueError) as error:
        tls_failed = (
            type(error).__module__ == "ssl"
        )  # its errors are OSErrors; the module may not be loaded at all
        return Reached(problem="tls" if tls_failed else "refused", detail=str(error))


def _ask(address: Address, through: Proxy | None, env: Mapping[str, str], end: float) -> Reached:
    host = address.host if address.host.isascii() else address.host.encode("idna").decode("ascii")
    netloc = address.netloc.replace(address.host, host)
    first = (through.host, through.port) if through else (host, address.port)
    # As bytes an ASCII name is looked up as it is; as text Python loads its tables of all letters for it.
    named = first[0].encode() if first[0].isascii() else first[0]
    with socket.create_connection((named, first[1]), timeout=_left(end)) as line:  # type: ignore[arg-type]
        if through is not None and address.scheme == "https":
            status = _exchange(line, _connect(host, address.port, through), end)
            if status != 200:
                detail = f"the proxy answered {status} to CONNECT {host}:{address.port}"
                return Reached(problem="proxy", detail=detail)
        path = f"http://{netloc}{address.target}" if through and address.scheme == "http" else address.target
        request = (
            f"HEAD {path} HTTP/1.1\r\nHost: {netloc}\r\n"
            f"User-Agent: {USER_AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        if address.scheme == "http":
            return _judge(_exchange(line, request, end))
        context = tls(env)
        line.settimeout(_left(end))
        with context.wrap_socket(line, server_hostname=host.removesuffix(".")) as secured:
            return _judge(_exchange(secured, request, end))


def _through_library(address: Address, through: Proxy, env: Mapping[str, str], seconds: float) -> Reached:
    """Through a SOCKS or https proxy: rare enough that the library is loaded only then."""
    import urllib3

    from sdsetup.machine.web_errors import broken

    manager = connections(address, through, env)
    try:
        pool = manager.connection_from_host(address.host, address.port, address.scheme)
        limit = urllib3.Timeout(total=seconds)
        return _judge(pool.urlopen("HEAD", address.target, retries=False, redirect=False, timeout=limit).status)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        failed = broken(error, address.host, through)
        if failed.code == "answer-timeout":
            return Reached(problem="timeout", detail=str(failed))
        behind = failed.code.startswith(("certificate", "tls"))
        return Reached(problem="tls" if behind else "proxy", detail=str(failed))
    finally:
        manager.clear()


def _judge(status: int) -> Reached:
    if status == 451:
        return Reached(problem="http-451", detail="blocked for legal reasons in your country")
    if status == 407:
        return Reached(problem="proxy", detail="the proxy requires a user name and password")
    return (
        Reached() if status else Reached(problem="refused", detail="the connection was closed without a response")
    )


def _connect(host: str, number: int, through: Proxy) -> str:
    where = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    login = f"Proxy-Authorization: {through.login}\r\n" if through.login else ""
    return f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{login}\r\n"


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


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
