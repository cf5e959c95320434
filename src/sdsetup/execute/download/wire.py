"""Sockets: the way to a server, through a proxy where one is set, with certificates checked.

Written on `socket` and `ssl` rather than on an HTTP library for three things a transfer of hours needs:
reads land straight in our ring of buffers, a read that waits can be looked at every second (Ctrl-C on
Windows, the stall clock, the bar), and the certificates of the system are trusted beside certifi's
(virus scanners and company networks put theirs there).
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from sdsetup.execute.download.options import BrokenError
from sdsetup.text import Text

if TYPE_CHECKING:
    Line = socket.socket | ssl.SSLSocket

_OTHER_ADDRESSES = 5.0  # seconds for each address of a name but the last

TICK = 1.0  # seconds at most that a read may wait before the caller gets to look around


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address split for use. `target` is what the request line names: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"

    @property
    def plain(self) -> str:
        """For logs and screens: without the query, where signatures and tokens are."""
        return f"{self.scheme}://{self.netloc}{self.target.split('?')[0]}"


def parse(url: str, base: str | None = None) -> Address:
    """An address we may talk to.

    Raises:
        BrokenError: permanent, for anything but https (and plain http to this machine itself).
    """
    try:
        parts = urlsplit(urljoin(base, url) if base else url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit("broken:"), "", None
    if parts.scheme not in ("http", "https") or not host:
        raise BrokenError(
            Text("the address {url} is not a web address", url=_short(url)), "bad-address", permanent=True
        )
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?") if parts.query else ""
    address = Address(
        scheme=parts.scheme,
        host=host.lower(),
        port=port or {"https": 443, "http": 80}[parts.scheme],
        target=path + query,
    )
    if address.scheme == "http" and not address.loopback:
        raise BrokenError(
            Text("{url} is not encrypted (only https is accepted)", url=address.plain),
            "not-encrypted",
            permanent=True,
        )
    return address


def connect(address: Address, env: Mapping[str, str], *, timeout: float, tick: float = TICK) -> Line:
    """A connection ready for a request, TLS done. Its reads raise TimeoutError after `tick` seconds.

    Raises:
        BrokenError: with the cause in one sentence; permanent where a repetition cannot help.
    """
    proxy = proxy_for(address, env)
    host, port = (proxy.host, proxy.port) if proxy else (address.host, address.port)
    line = _open(host, port, timeout, proxy=proxy is not None)
    try:
        if proxy and proxy.scheme == "https":
            line = _encrypt(line, proxy.host, env)
        if proxy and address.scheme == "https":
            _tunnel(line, address, proxy)
        if address.scheme == "https":
            line = _encrypt(line, address.host, env)
        line.settimeout(min(tick, TICK))
    except BaseException:
        line.close()
        raise
    return line


@dataclass(frozen=True, kw_only=True)
class Proxy:
    scheme: str
    host: str
    port: int
    login: str | None  # what Proxy-Authorization says, None without a name


def proxy_for(address: Address, env: Mapping[str, str]) -> Proxy | None:
    """The proxy for an address: the usual variables, else the system's (Windows, macOS settings)."""
    if address.loopback:
        return None
    from urllib.request import getproxies, proxy_bypass

    named = {
        name.lower(): value for name, value in sorted(env.items()) if name.lower().endswith("_proxy") and value
    }
    setting = named.get(f"{address.scheme}_proxy") or named.get("all_proxy")
    if setting is None and not named:
        setting = getproxies().get(address.scheme)
        if setting and proxy_bypass(address.host):
            return None
    if not setting or _bypassed(address, named.get("no_proxy", "")):
        return None
    parts = urlsplit(setting if "://" in setting else f"http://{setting}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BrokenError(
            Text("the proxy {proxy} is of a kind we cannot use (http:// is needed)", proxy=_short(setting)),
            "proxy-unusable",
            permanent=True,
        )
    login = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return Proxy(scheme=parts.scheme, host=parts.hostname, port=parts.port or 80, login=login)


def _bypassed(address: Address, no_proxy: str) -> bool:
    for entry in no_proxy.replace(" ", ",").split(","):
        name = entry.strip().lower().removeprefix("*").lstrip(".")
        if entry.strip() == "*":
            return True
        if name and (address.host == name or address.host.endswith("." + name) or address.netloc == name):
            return True
    return False


def _open(host: str, port: int, timeout: float, *, proxy: bool) -> socket.socket:
    what = Text("the proxy {host}", host=host) if proxy else Text("{host}", host=host)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BrokenError(Text("the name {host} could not be looked up", host=host), "no-such-host") from error
    for number, (family, kind, protocol, _name, address) in enumerate(found, 1):
        line = socket.socket(family, kind, protocol)
        # A network whose IPv6 leads nowhere must not cost the whole patience at each try.
        line.settimeout(timeout if number == len(found) else min(timeout, _OTHER_ADDRESSES))
        try:
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            line.settimeout(timeout)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line
    if isinstance(failure, TimeoutError):
        raise BrokenError(Text("{what} does not answer", what=what), "connect-timeout") from failure
    reason = failure.strerror or str(failure)
    raise BrokenError(
        Text("no connection to {what} ({reason})", what=what, reason=reason), "connection-refused"
    ) from failure


def _tunnel(line: Line, address: Address, proxy: Proxy) -> None:
    from sdsetup.execute.download.message import read_head

    host = f"{address.host}:{address.port}"
    login = f"Proxy-Authorization: {proxy.login}\r\n" if proxy.login else ""
    try:
        line.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{login}\r\n".encode("ascii"))
        head = read_head(line, line.gettimeout() or 20)
    except OSError as error:
        raise BrokenError(Text("the proxy {host} broke off", host=proxy.host), "proxy-broken") from error
    if head.status == 407:
        raise BrokenError(
            Text("the proxy {host} wants a name and a password", host=proxy.host),
            "proxy-login-needed",
            permanent=True,
        )
    if head.status != 200:
        raise BrokenError(
            Text(
                "the proxy {proxy} refused the way to {host} (HTTP {status})",
                proxy=proxy.host,
                host=address.host,
                status=head.status,
            ),
            "proxy-refused",
            permanent=head.status in (401, 403),
        )


def _encrypt(line: socket.socket, host: str, env: Mapping[str, str]) -> ssl.SSLSocket:
    bundle = env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE") or env.get("SSL_CERT_FILE") or ""
    try:
        return trust(bundle).wrap_socket(line, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(host, error) from error
    except (OSError, ValueError) as error:
        raise BrokenError(
            Text(
                "the encrypted connection to {host} could not be made ({reason})", host=host, reason=_cause(error)
            ),
            "tls-failed",
        ) from error


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> BrokenError:
    reason = (error.verify_message or "unknown reason").rstrip(".")
    if error.verify_code in (9, 10):  # not yet valid, expired: most often it is the clock that is wrong
        import time

        why = Text(
            "the certificate of {host} is out of its dates ({reason}); this computer believes it is {today}",
            host=host,
            reason=reason,
            today=time.strftime("%Y-%m-%d"),
        )
        return BrokenError(why, "certificate-dates", permanent=True)
    why = Text("the certificate of {host} is not trusted ({reason})", host=host, reason=reason)
    return BrokenError(why, "certificate-not-trusted", permanent=True)


@lru_cache(maxsize=4)
def trust(bundle: str) -> ssl.SSLContext:
    """Certificates we believe: the system's, and certifi's or the person's own bundle (file or folder)."""
    from pathlib import Path

    context = ssl.create_default_context()
    # Python 3.13 began to refuse certificates that many company proxies still make.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.set_alpn_protocols(["http/1.1"])
    if not bundle:
        import certifi

        bundle = certifi.where()
    try:
        if Path(bundle).is_dir():
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    except OSError as error:
        raise BrokenError(
            Text("the certificates in {path} cannot be read ({reason})", path=bundle, reason=_cause(error)),
            "certificates-unreadable",
            permanent=True,
        ) from error
    return context


def _cause(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__


def _short(url: str) -> str:
    return url.split("?")[0].split("@")[-1][:100]
