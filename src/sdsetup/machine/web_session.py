"""requests under our policy, for short questions: certificates, proxies, and addresses judged at every hop."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from sdsetup.catalog.addresses import AddressError, parse_address
from sdsetup.machine import Machine
from sdsetup.machine.web_policy import connections, proxy_for
from sdsetup.text import Text


def session(machine: Machine | None = None) -> requests.Session:
    """A session to use and to close. Without a machine it talks to this computer only.

    Its requests raise requests.RequestException, and ValueError (AddressError, ProxyError, CertificatesError)
    for what the policy refuses.
    """
    made = requests.Session()
    made.trust_env = False  # what is set counts through the policy, and a .netrc file not at all
    for scheme in ("https://", "http://"):
        made.mount(scheme, _UnderPolicy(machine))
    return made


class _UnderPolicy(HTTPAdapter):
    def __init__(self, machine: Machine | None) -> None:
        super().__init__()
        self._machine = machine

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_more: Any, **_named: Any
    ) -> Any:
        address = parse_address(request.url or "")
        if self._machine is None and not address.loopback:
            raise AddressError(Text("{url} is not on this PC", url=address.plain))
        proxy = proxy_for(address, self._machine) if self._machine is not None else None
        manager = connections(address, proxy, self._machine.env if self._machine is not None else {})
        return manager.connection_from_host(address.host, address.port, address.scheme)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The connection's own context checks; requests would lay certifi's list over it."""
