"""Checks of the sites that the downloads come from, and of the proxy."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, all_of
from sdsetup.values.facts import Facts, Host
from sdsetup.values.findings import Finding, Fix

_NETWORK = Text("Network")
_PROXY = Text("Proxy")

_WHY = {
    "dns": Text("Can't resolve {host}: no internet connection, or the name is blocked."),
    "refused": Text("{host} refuses the connection: a firewall or a filter may block it."),
    "timeout": Text("{host} doesn't respond: a firewall may block it, or the connection is very slow."),
    "tls": Text("Something answers in place of {host}: a filter, an antivirus program, or a sign-in page."),
    "proxy": Text("The proxy doesn't allow connections to {host}."),
    "http-451": Text("{host} is blocked in your country for legal reasons."),
}
_SILENT = Text("{host} doesn't respond.")
_HINTS = {
    "model": Text("Allow {host} in the firewall, try another network, or set HF_ENDPOINT to a mirror."),
    "git": Text("Allow {host} in the firewall, try another network, or set git's url.insteadOf to a mirror."),
}


def network(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "hosts", "network", _NETWORK):
        return found
    asked = [host for host in facts.hosts if host.reachable is not None]
    if not asked:
        return Finding(id="network", status="skip", title=_NETWORK, summary=Text("not tested"))
    silent = [host for host in asked if not host.reachable]
    if not silent:
        return Finding(
            id="network",
            status="ok",
            title=_NETWORK,
            summary=Text("reached {names}", names=all_of([_name(host) for host in asked])),
        )
    # Addresses of one purpose stand in for each other.
    answered = {host.purpose for host in asked if host.reachable}
    lacking = [host for host in silent if host.purpose not in answered]
    nothing = len(silent) == len(asked)
    # Where a name was found, or somebody answered in its place, this PC is connected.
    unconnected = nothing and all(host.problem in (None, "dns") for host in silent)
    there = facts.installation is not None
    names = all_of([_name(host) for host in silent])
    said = Text("no internet connection") if unconnected else Text("can't reach {names}", names=names)
    first = (lacking or silent)[0]
    return Finding(
        id="network",
        status="fail" if nothing and not there else "warn",
        title=_NETWORK,
        summary=said,
        why=Text(_WHY.get(first.problem or "", _SILENT).template, host=_name(first)),
        fix=_network_fix(facts, first, unconnected),
    )


def proxy(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "hosts", "proxy", _PROXY):
        return found
    proxy = facts.proxy
    if proxy is None:
        return Finding(id="proxy", status="skip", title=_PROXY, summary=Text("none"))
    said = Text("{url} ({origin})", url=proxy.url, origin=proxy.origin)
    if proxy.spares_loopback:
        return Finding(id="proxy", status="ok", title=_PROXY, summary=said)
    command = (
        "setx no_proxy localhost,127.0.0.1,::1"
        if facts.system.family == "windows"
        else "export no_proxy=localhost,127.0.0.1,::1"
    )
    return Finding(
        id="proxy",
        status="warn",
        title=_PROXY,
        summary=said,
        why=Text(
            "The web UI connects to itself at 127.0.0.1. Through a proxy this fails "
            'with "localhost is not accessible".'
        ),
        fix=Fix(
            text=Text("Exclude this PC from the proxy (the launch file from sdsetup already does):"),
            command=command,
            act="no-proxy",
        ),
    )


def _name(host: Host) -> str:
    name = host.url.partition("://")[2].split("/")[0].rpartition("@")[2]
    return name or host.url


def _network_fix(facts: Facts, host: Host, unconnected: bool) -> Fix:
    if host.problem == "proxy" and facts.proxy is not None:
        return Fix(text=Text("Check the address and password of the proxy {url}.", url=facts.proxy.url))
    if unconnected:
        return Fix(text=Text("Connect this PC to the internet, then check again:"), command="sdsetup doctor")
    hint = _HINTS.get(host.purpose, Text("Allow {host} in the firewall, or try another network."))
    return Fix(text=Text(hint.template, host=_name(host)))
