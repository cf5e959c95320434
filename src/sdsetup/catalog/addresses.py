"""The one judge of addresses: profiles, options, HF_ENDPOINT and redirects all ask it.

Only https is accepted, and plain http to this computer itself. Programs disagree about what an odd address
means (where the host ends, whether 0x7f.1 is one), so an address that two of them could read differently is
refused rather than interpreted. The rules follow https://url.spec.whatwg.org/#host-parsing where it refuses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from sdsetup.text import Text

_PORTS = {"https": 443, "http": 80}
_LONGEST = 16 * 1024  # characters; a content network's signed links have some two thousand
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
_AUTHORITY = re.compile(r"([^:/?#\[\]@%\\\s]+|\[[0-9a-f.]*:[0-9a-f:.]*\])(:[0-9]{1,5})?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "/%:@!$&'()*+,;=~-._"  # characters of a path that mean themselves


class AddressError(ValueError):
    """An address that must not be used. `why` is a sentence; `code` is `bad-address` or `not-encrypted`."""

    def __init__(self, why: Text, code: str = "bad-address") -> None:
        super().__init__(str(why))
        self.why = why
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address split for use. `host` is in lower case, an IPv6 one without its brackets; `target` is what the
    request line names: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def plain(self) -> str:
        """For logs and screens: without the query, where signatures and tokens are."""
        return f"{self.scheme}://{self.netloc}{self.target.split('?')[0]}"


def parse_address(url: str, base: str | None = None, *, plain_http: bool = False) -> Address:
    """An address that may be used. `base`: the address whose answer named this one (a redirect);
    `plain_http`: for a knock that says and believes nothing (a mirror that git was told to use).

    Raises:
        AddressError: it is none, could be read in two ways, or is plain http to another computer.
    """
    # A space in a path is common in the redirects of careless servers, and means the same to everybody.
    if len(url) > _LONGEST or url != url.strip() or _INVISIBLE.search(url) or "\\" in url.partition("?")[0]:
        raise _not_an_address(url)
    try:
        parts = urlsplit(urljoin(base, url) if base else url)
        port = parts.port
    except ValueError:
        raise _not_an_address(url) from None
    scheme, authority = parts.scheme.lower(), parts.netloc
    if scheme not in _PORTS or port == 0:
        raise _not_an_address(url)
    if "@" in authority:
        raise AddressError(
            Text("the address of {host} contains a user name or password", host=without_secrets(url))
        )
    if not _AUTHORITY.fullmatch(authority):
        raise _not_an_address(url)
    address = Address(
        scheme=scheme,
        host=_host(parts.hostname or "", url),
        port=port or _PORTS[scheme],
        target=quote(parts.path or "/", safe=_KEPT)
        + ("?" + quote(parts.query, safe=_KEPT + "?") if parts.query else ""),
    )
    if scheme == "http" and not (address.loopback or plain_http):
        why = Text("{url} is not encrypted (https is required)", url=address.plain)
        raise AddressError(why, "not-encrypted")
    return address


def is_loopback(host: str) -> bool:
    """Whether a parsed host is this computer: "localhost" or a loopback IP address, and nothing like them."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback and "%" not in host and not host.startswith("::ffff:")
    except ValueError:
        return False


def without_secrets(url: str) -> str:
    """An address that was refused, short enough for a sentence and without what may be secret in it."""
    return url.split("?")[0].rpartition("@")[2][:100]


def _host(host: str, url: str) -> str:
    host = host.lower()
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise _not_an_address(url) from None
    if not host.isascii():
        return host  # the transport turns it into its ASCII form, over TLS only
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # inet_aton also reads 127.1, 0177.0.0.1, 0x7f000001 and 2130706433: never what a person means.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _not_an_address(url) from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _not_an_address(url)
    return host


def _not_an_address(url: str) -> AddressError:
    shown = _INVISIBLE.sub("?", without_secrets(url))
    return AddressError(Text("the address {url} is not a web address", url=shown))
