"""How we reach the web: certificates, proxies, time limits. One policy for every program part that does.

Certificates: those of the system are trusted (a virus scanner or a company network puts its own there), and
besides them the file or folder that the user names. Proxies: `decide.proxies`. Whoever opens a connection,
downloads, the doctor's knock, the hub's client, uv, takes both from here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup import __version__
from sdsetup.catalog.addresses import Address
from sdsetup.decide.proxies import Proxies, Proxy, ProxyError, from_variables, parse_internet_settings, parse_proxy
from sdsetup.machine import Machine
from sdsetup.text import Text

if TYPE_CHECKING:
    import ssl

    import urllib3

USER_AGENT = f"sdsetup/{__version__}"
# The user's own certificates, the variable that is meant for fewer programs first.
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_INTERNET_SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"


class CertificatesError(ValueError):
    """The certificate file that the user names cannot be read. `why`: a sentence."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


def own_certificates(env: Mapping[str, str]) -> str | None:
    """The file or folder of certificates that the user names, None without one."""
    return next((env[name] for name in CERTIFICATE_VARIABLES if env.get(name)), None)


def tls(env: Mapping[str, str]) -> ssl.SSLContext:
    """A context that believes the system's certificates and the user's own. One for each connection: while a
    handshake lasts, truststore keeps its context to itself.

    Raises:
        CertificatesError: what the user names cannot be read.
    """
    import ssl

    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Python 3.13 began to refuse certificates that many company proxies still make.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.set_alpn_protocols(["http/1.1"])
    own = own_certificates(env)
    if own is not None:
        try:
            folder = Path(own).is_dir()
            context.load_verify_locations(cafile=None if folder else own, capath=own if folder else None)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            why = Text("the certificates in {path} can't be read ({reason})", path=own, reason=reason)
            raise CertificatesError(why) from error
    return context


def proxies(machine: Machine) -> Proxies | None:
    """What is set on this computer: the variables, else the system's own setting; None for nothing."""
    found = from_variables(machine.env)
    if found is not None and machine.family == "windows":
        # What was set a moment ago is in the registry, not yet in this program's environment.
        own = machine.registry_values("HKCU", "Environment") or {}
        no = next((str(value) for name, value in own.items() if name.lower() == "no_proxy"), found.no)
        return Proxies(https=found.https, http=found.http, no=no, origin=found.origin)
    if found is not None or machine.family == "linux":
        return found
    if machine.family == "windows":
        return parse_internet_settings(machine.registry_values("HKCU", _INTERNET_SETTINGS) or {})
    return _of_macos()


def proxy_for(address: Address, machine: Machine) -> Proxy | None:
    """The proxy to reach an address through. This computer itself is always reached straight.

    Raises:
        ProxyError: the setting cannot be understood.
    """
    found = None if address.loopback else proxies(machine)
    if found is None:
        return None
    setting = found.get(address.scheme, address.host, address.port)
    if setting is None or (found.origin == "macOS settings" and _spared_by_macos(address.host)):
        return None
    return parse_proxy(setting)


def variables_for_children(machine: Machine) -> dict[str, str]:
    """The same policy in the variables that uv reads; to be laid over the environment of the child.

    A setting that cannot be understood is left for the child to complain about.
    """
    said: dict[str, str] = {}
    own = own_certificates(machine.env)
    if own is not None:
        said["SSL_CERT_DIR" if Path(own).is_dir() else "SSL_CERT_FILE"] = own
    found = proxies(machine)
    if found is not None and found.origin != "environment":
        # Windows writes *.local and <local>, which is nothing to programs that read the variable.
        no = ",".join(name.removeprefix("*") for name in found.no.split(",") if name != "<local>")
        for name, value in (("HTTPS_PROXY", found.https), ("HTTP_PROXY", found.http), ("NO_PROXY", no)):
            if value:
                said[name] = value.replace("socks://", "socks5h://")
    return said


def connections(address: Address, proxy: Proxy | None, env: Mapping[str, str]) -> urllib3.PoolManager:
    """urllib3's connections under this policy: straight, or through an http, https or SOCKS proxy.

    Raises:
        CertificatesError: what the user names cannot be read.
    """
    import urllib3

    context = tls(env) if address.scheme == "https" else None
    if proxy is None:
        return urllib3.PoolManager(ssl_context=context)
    if proxy.socks:
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy.plain, proxy.name, proxy.password, ssl_context=context)
    own = tls(env) if proxy.scheme == "https" else None
    login = {} if proxy.login is None else {"Proxy-Authorization": proxy.login}
    return urllib3.ProxyManager(proxy.plain, proxy_headers=login, proxy_ssl_context=own, ssl_context=context)


@lru_cache(maxsize=1)
def _of_macos() -> Proxies | None:
    if sys.platform != "darwin":
        return None
    from urllib.request import getproxies_macosx_sysconf  # type: ignore[attr-defined,unused-ignore]

    said = getproxies_macosx_sysconf()
    https, http = said.get("https") or said.get("socks"), said.get("http") or said.get("socks")
    return Proxies(https=https, http=http, origin="macOS settings") if https or http else None


def _spared_by_macos(host: str) -> bool:
    if sys.platform != "darwin":
        return False
    from urllib.request import proxy_bypass_macosx_sysconf  # type: ignore[attr-defined,unused-ignore]

    return bool(proxy_bypass_macosx_sysconf(host))


__all__ = [
    "CERTIFICATE_VARIABLES",
    "CertificatesError",
    "ProxyError",
    "connections",
    "own_certificates",
    "proxies",
    "proxy_for",
    "tls",
    "variables_for_children",
]
