"""Checks of the port that the web UI listens on, of the addresses it is fetched from, and of the proxy."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, all_of, message
from sdsetup.values.facts import Facts, Host
from sdsetup.values.findings import Finding, Fix

_PORT = Text("Port")
_NETWORK = Text("Network")
_PROXY = Text("Proxy")

_WHY = {
    "dns": Text("Its name is not known to the network: no connection, or a filter."),
    "refused": Text("The connection is refused: a firewall or a filter."),
    "timeout": Text("There is no answer: a firewall, or a very slow line."),
    "tls": Text(
        "Something between here and there answers in its name: a filter, a virus scanner or a sign-in page."
    ),
    "proxy": Text("The proxy that is set does not let it through."),
    "http-451": Text("It is closed for legal reasons where you are."),
}
_HINTS = {
    "model": Text("A mirror of the model hub can be named with HF_ENDPOINT."),
    "git": Text("A mirror can be named with git's url.insteadOf."),
}


def port(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "port", "port", _PORT):
        return found
    port = facts.port
    if port is None or port.free is None:
        return Finding(id="port", status="skip", title=_PORT, summary=Text("could not be tried"))
    if port.free:
        return Finding(id="port", status="ok", title=_PORT, summary=Text("{number} is free", number=port.number))
    return Finding(
        id="port",
        status="warn",
        title=_PORT,
        summary=Text(
            "{number} is taken by {holder}", number=port.number, holder=port.holder or message("another program")
        ),
        why=Text("The web UI will take the next free one, so its address changes."),
        fix=Fix(
            text=Text("Close that program (perhaps a web UI that is still running), or see who it is:"),
            command=_who_holds(facts, port.number),
        ),
    )


def network(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "hosts", "network", _NETWORK):
        return found
    asked = [host for host in facts.hosts if host.reachable is not None]
    if not asked:
        return Finding(id="network", status="skip", title=_NETWORK, summary=Text("not asked"))
    silent = [host for host in asked if not host.reachable]
    if not silent:
        return Finding(
            id="network",
            status="ok",
            title=_NETWORK,
            summary=Text("{names} answer", names=all_of([_name(host) for host in asked])),
        )
    # Addresses of one purpose stand in for each other.
    answered = {host.purpose for host in asked if host.reachable}
    lacking = [host for host in silent if host.purpose not in answered]
    nothing = len(silent) == len(asked)
    there = facts.installation is not None
    said = Text(
        "no connection" if nothing else "{names} cannot be reached", names=all_of([_name(h) for h in silent])
    )
    first = (lacking or silent)[0]
    return Finding(
        id="network",
        status="fail" if nothing and not there else "warn",
        title=_NETWORK,
        summary=said,
        why=_WHY.get(first.problem or "", Text("It does not answer.")),
        fix=_network_cure(facts, first, nothing),
    )


def proxy(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "hosts", "proxy", _PROXY):
        return found
    proxy = facts.proxy
    if proxy is None:
        return Finding(id="proxy", status="skip", title=_PROXY, summary=Text("none is set"))
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
            'The web UI asks itself over 127.0.0.1; through a proxy it fails: "localhost is not accessible".'
        ),
        fix=Fix(
            text=Text("Except this PC from the proxy (our launch file does so by itself):"),
            command=command,
            act="no-proxy",
        ),
    )


def _name(host: Host) -> str:
    name = host.url.partition("://")[2].split("/")[0].rpartition("@")[2]
    return name or host.url


def _network_cure(facts: Facts, host: Host, nothing: bool) -> Fix:
    if host.problem == "proxy" and facts.proxy is not None:
        return Fix(text=Text("Check the proxy {url} and its password.", url=facts.proxy.url))
    if nothing:
        return Fix(text=Text("Connect this PC to the Internet, then ask again:"), command="sdsetup doctor")
    hint = _HINTS.get(host.purpose)
    allow = Text("Allow {host} in the firewall or try another network.", host=_name(host))
    return Fix(text=Text("{allow} {hint}", allow=allow, hint=hint) if hint else allow)


def _who_holds(facts: Facts, number: int) -> str:
    if facts.system.family != "windows":
        return f"lsof -nP -iTCP:{number} -sTCP:LISTEN"
    if facts.port is not None and facts.port.holder == "reserved by Windows":
        return "netsh int ipv4 show excludedportrange tcp"
    return f"netstat -ano | findstr :{number}"
