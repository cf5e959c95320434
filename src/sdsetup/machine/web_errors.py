"""Why a connection failed, in our words: what the libraries below raise, told apart by cause."""

from __future__ import annotations

import re
import ssl
import time
from http.client import HTTPException, RemoteDisconnected

from urllib3 import exceptions as lib

from sdsetup.decide.proxies import Proxy
from sdsetup.text import Text

# OpenSSL's numbers (not yet valid, expired), Windows' CERT_E_EXPIRED, macOS' errSecCertificateExpired and
# errSecCertificateNotValidYet.
_DATES = {9, 10, 0x800B0101, 0x800B0101 - 2**32, -67818, -67819}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


class BrokenError(Exception):
    """The connection or its answer broke: worth another try after a pause, unless `permanent`.

    `why` is one sentence; `code` one of: no-such-host, connect-timeout, connection-refused, connection-broken,
    answer-timeout, empty-answer, not-http, tls-failed, certificate-not-trusted, certificate-dates,
    certificates-unreadable, proxy-unusable, proxy-login-needed, proxy-refused, bad-address, not-encrypted, ...
    """

    def __init__(self, why: Text, code: str, *, permanent: bool = False) -> None:
        super().__init__(str(why))
        self.why = why
        self.code = code
        self.permanent = permanent  # the same try would end the same way (a certificate)


def broken(error: Exception, host: str, proxy: Proxy | None) -> BrokenError:
    """The cause of an error that urllib3 raised while talking to `host`, through `proxy` if there is one."""
    if isinstance(error, lib.ProxyError):
        inner = error.original_error
        return broken(inner if isinstance(inner, Exception) else error, host, proxy)
    cause = _below(error)
    if isinstance(error, lib.SSLError):
        return _tls(cause, host)
    if isinstance(error, lib.NewConnectionError):
        return _no_connection(error, cause, host, proxy)
    if isinstance(error, lib.ConnectTimeoutError):
        what = Text("the proxy {host}", host=proxy.host) if proxy else host
        return BrokenError(Text("{what} does not respond", what=what), "connect-timeout")
    if isinstance(error, lib.ReadTimeoutError):
        return BrokenError(Text("the server did not respond in time"), "answer-timeout")
    if isinstance(error, lib.DecodeError):
        return BrokenError(Text("the compressed response is damaged"), "connection-broken")
    if isinstance(error, (lib.LocationValueError, UnicodeError)):
        return BrokenError(Text("{host} is not a valid server name", host=host), "bad-address", permanent=True)
    if isinstance(error, (lib.IncompleteRead, lib.InvalidChunkLength)) or isinstance(
        cause, (lib.IncompleteRead, lib.InvalidChunkLength)
    ):
        return BrokenError(Text("the connection was closed too early"), "connection-broken")
    return _aborted(cause, host, proxy)


def _aborted(cause: Exception, host: str, proxy: Proxy | None) -> BrokenError:
    if isinstance(cause, RemoteDisconnected):
        return BrokenError(Text("the server closed the connection without a response"), "empty-answer")
    if proxy is not None and (refused := _TUNNEL.search(str(cause))):
        return _refused_way(int(refused[1]), host, proxy)
    if isinstance(cause, ssl.SSLError):
        return _tls(cause, host)
    if isinstance(cause, OSError):
        reason = cause.strerror or str(cause) or type(cause).__name__
        return BrokenError(Text("the connection was lost ({reason})", reason=reason), "connection-broken")
    if isinstance(cause, (HTTPException, lib.HTTPError, ValueError)):
        return BrokenError(Text("the response is not HTTP"), "not-http")
    raise cause


def _no_connection(error: lib.NewConnectionError, cause: Exception, host: str, proxy: Proxy | None) -> BrokenError:
    if isinstance(error, lib.NameResolutionError) or "gaierror" in type(cause).__name__:
        name = proxy.host if proxy else host
        return BrokenError(Text("the server name {host} could not be resolved", host=name), "no-such-host")
    reason = getattr(cause, "strerror", None) or str(cause).rpartition("connection: ")[2]
    if proxy is not None and proxy.socks and "authentication" in reason.lower():
        return _refused_way(407, host, proxy)
    what = Text("the proxy {host}", host=proxy.host) if proxy else host
    return BrokenError(
        Text("no connection to {what} ({reason})", what=what, reason=reason.rstrip(".")), "connection-refused"
    )


def _refused_way(status: int, host: str, proxy: Proxy) -> BrokenError:
    if status == 407:
        why = Text("the proxy {host} requires a user name and password", host=proxy.host)
        return BrokenError(why, "proxy-login-needed", permanent=True)
    why = Text(
        "the proxy {proxy} refused to connect to {host} (HTTP {status})",
        proxy=proxy.host,
        host=host,
        status=status,
    )
    return BrokenError(why, "proxy-refused", permanent=status in (401, 403))


def _tls(error: Exception, host: str) -> BrokenError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        why = Text("no secure connection to {host} ({reason})", host=host, reason=reason)
        return BrokenError(why, "tls-failed")
    reason = (getattr(error, "verify_message", "") or str(error)).rstrip(".")
    if getattr(error, "verify_code", None) in _DATES:  # most often it is the clock that is wrong
        why = Text(
            "the certificate of {host} is not valid today ({reason}); the date on this PC is {today}",
            host=host,
            reason=reason,
            today=time.strftime("%Y-%m-%d"),
        )
        return BrokenError(why, "certificate-dates", permanent=True)
    why = Text("the certificate of {host} is not trusted ({reason})", host=host, reason=reason)
    return BrokenError(why, "certificate-not-trusted", permanent=True)


def _below(error: Exception) -> Exception:
    """The error that a library's own one wraps: as its last argument, or as its cause."""
    inner = next((part for part in reversed(error.args) if isinstance(part, Exception)), None) or error.__cause__
    return inner if isinstance(inner, Exception) else error
