"""Which proxy an address is reached through, from what the user or the system has set. One rule for all of us.

Variables: https_proxy, http_proxy, all_proxy and no_proxy in either spelling. Where none is set, Windows'
own setting counts. Sources: https://curl.se/docs/manpage.html#ENVIRONMENT, and for Windows' list of exceptions
https://learn.microsoft.com/windows/win32/wininet/enabling-internet-functionality#listing-the-proxy-bypass
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sdsetup.text import Text

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_PORTS = {"http": 80, "https": 443}  # the others: 1080
_ODD = re.compile(r"[\x00-\x20\x7f\\]")


class ProxyError(ValueError):
    """A proxy setting that cannot be used. `why`: a sentence that shows no password."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """What is set: an address (as written) for https and one for http, hosts that need none, where that stands."""

    https: str | None = None
    http: str | None = None
    no: str = ""
    origin: str = ""

    def get(self, scheme: str, host: str, port: int) -> str | None:
        """The proxy to use, as written; None for none."""
        setting = self.https if scheme == "https" else self.http
        return None if setting is None or spared(host, self.no, port) else setting


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy, split for use. `name` and `password` as they are (not percent-encoded)."""

    scheme: str
    host: str
    port: int
    name: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def plain(self) -> str:
        """Its address without name and password."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def full(self) -> str:
        """With name and password: for a library that takes them in no other way."""
        if self.name is None:
            return self.plain
        login = f"{quote(self.name, safe='')}:{quote(self.password or '', safe='')}"
        return self.plain.replace("://", f"://{login}@", 1)

    @property
    def login(self) -> str | None:
        """What Proxy-Authorization says to it, None without a name."""
        if self.name is None:
            return None
        pair = f"{self.name}:{self.password or ''}".encode("utf-8", "surrogateescape")
        return "Basic " + base64.b64encode(pair).decode("ascii")

    @property
    def socks(self) -> bool:
        return self.scheme.startswith("socks")


def from_variables(env: Mapping[str, str]) -> Proxies | None:
    """The variables' proxies; None when no proxy is set there. The lower-case spelling wins, as with curl."""
    named = {
        name.lower(): value.strip()
        for name, value in sorted(env.items())
        if name.lower().endswith("_proxy") and value.strip()
    }
    https, http = (named.get(f"{scheme}_proxy") or named.get("all_proxy") for scheme in ("https", "http"))
    if https is None and http is None:
        return None
    return Proxies(https=https, http=http, no=named.get("no_proxy", ""), origin="environment")


def parse_internet_settings(values: Mapping[str, Any]) -> Proxies | None:
    """Windows' own setting: "host:port", or "http=host:port;https=host:port;socks=host:port"."""
    server = values.get("ProxyServer")
    if values.get("ProxyEnable") != 1 or not isinstance(server, str) or not server.strip():
        return None
    override = values.get("ProxyOverride")
    no = ",".join(part.strip() for part in override.split(";")) if isinstance(override, str) else ""
    if "=" not in server:
        address = with_scheme(server.strip())
        return Proxies(https=address, http=address, no=no, origin="Windows settings")
    parts = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in server.split(";"))}
    socks = with_scheme(parts["socks"], "socks4") if parts.get("socks") else None
    https, http = (with_scheme(parts[name]) if parts.get(name) else socks for name in ("https", "http"))
    return Proxies(https=https, http=http, no=no, origin="Windows settings") if https or http else None


def with_scheme(setting: str, scheme: str = "http") -> str:
    return setting if "://" in setting else f"{scheme}://{setting}"


def parse_proxy(setting: str) -> Proxy:
    """A proxy out of its setting: `[scheme://][name:password@]host[:port]`.

    Raises:
        ProxyError: it names no proxy, or one of a kind that we cannot use.
    """
    shown = _ODD.sub("?", setting.rpartition("@")[2])[:100]
    try:
        parts = urlsplit(with_scheme(setting))
        host, port = parts.hostname or "", parts.port
        if _ODD.search(setting) or not host or port == 0 or "%" in host:
            raise ValueError
    except ValueError:
        raise ProxyError(Text("invalid proxy setting: {proxy} (expected http://host:port)", proxy=shown)) from None
    # Desktops write socks:// for version 5; names are then looked up by the proxy.
    scheme = "socks5h" if parts.scheme == "socks" else parts.scheme
    if scheme not in SCHEMES:
        raise ProxyError(
            Text(
                "unsupported proxy type: {proxy} (supported: {known})",
                proxy=shown,
                known=", ".join(SCHEMES),
            )
        )
    return Proxy(
        scheme=scheme,
        host=host,
        port=port or _PORTS.get(scheme, 1080),
        name=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def spared(host: str, no_proxy: str, port: int | None = None) -> bool:
    """Whether `no_proxy` names a host: itself (with its port, perhaps), a domain above it, a network that its
    address is in (10.0.0.0/8), a pattern (192.168.*), `<local>` (Windows: any name without a dot) or `*`."""
    host = host.lower().strip("[]").removesuffix(".")
    address = _ip(host)
    return any(
        _names(entry, host, address, port) for entry in no_proxy.lower().replace(" ", ",").split(",") if entry
    )


def _names(entry: str, host: str, address: _Ip | None, port: int | None) -> bool:
    if entry in ("*", "<local>"):
        return entry == "*" or (address is None and "." not in host)
    if address is not None and "/" in entry:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    wanted, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and (wanted.startswith("[") or ":" not in wanted):
        if port is not None and number != str(port):
            return False
        entry = wanted
    name = entry.strip("[]").removesuffix(".")
    if "*" in name.removeprefix("*."):
        return fnmatchcase(host, name.replace("[", "?"))
    name = name.removeprefix("*").lstrip(".")
    if address is not None:
        return address == _ip(name)
    return bool(name) and (host == name or host.endswith("." + name))


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def _ip(text: str) -> _Ip | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
