"""Whether the addresses that will be needed answer, through the proxy that is set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.git import places
from sdsetup.probe.side_by_side import Job, side_by_side
from sdsetup.values.facts import Host, Proxy

LIMIT = 6.0
_LOOPBACK = ("127.0.0.1", "localhost")
_INTERNET_SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    proxies = proxy_settings(machine)
    jobs = [
        Job(name=str(n), limit=LIMIT + 1, ask=partial(_knock, machine, host, proxies))
        for n, host in enumerate(asked.hosts)
    ]
    answers = side_by_side(jobs)
    hosts = []
    for n, host in enumerate(asked.hosts):
        answer = answers[str(n)]
        hosts.append(
            answer.value
            if answer.problem is None
            # Only the name's look-up cannot be given a time limit of its own: it is what hangs here.
            else replace(host, reachable=False, problem="timeout", detail=answer.problem)
        )
    return {"hosts": tuple(hosts), "proxy": of_person(proxies)}


def proxy_settings(machine: Machine) -> dict[str, str]:
    """`https`, `http` and `no` as programs will use them, and where they come from (`origin`)."""
    env = {name.lower(): value for name, value in machine.env.items() if value}
    found = {
        scheme: value
        for scheme in ("https", "http")
        if (value := env.get(f"{scheme}_proxy") or env.get("all_proxy"))
    }
    if found:
        no = env.get("no_proxy", "")
        if machine.family == "windows":
            # What was set a moment ago is in the registry, not yet in this program's environment.
            own = machine.registry_values("HKCU", "Environment") or {}
            no = next((str(value) for name, value in own.items() if name.lower() == "no_proxy"), no)
        return {**found, "no": no, "origin": "environment"}
    if machine.family == "windows":
        return parse_internet_settings(machine.registry_values("HKCU", _INTERNET_SETTINGS) or {})
    return {}


def parse_internet_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Windows' own proxy setting: "host:port", or "http=host:port;https=host:port"."""
    server = values.get("ProxyServer")
    if values.get("ProxyEnable") != 1 or not isinstance(server, str) or not server.strip():
        return {}
    override = values.get("ProxyOverride")
    no = ",".join(part.strip() for part in override.split(";")) if isinstance(override, str) else ""
    if "=" not in server:
        address = _with_scheme(server.strip())
        return {"https": address, "http": address, "no": no, "origin": "Windows settings"}
    parts = dict(part.split("=", 1) for part in server.split(";") if "=" in part)
    found = {name: _with_scheme(parts[name]) for name in ("https", "http") if parts.get(name)}
    return {**found, "no": no, "origin": "Windows settings"} if found else {}


def of_person(proxies: Mapping[str, str]) -> Proxy | None:
    """The proxy as a fact: without the name and password that its address may carry."""
    url = proxies.get("https") or proxies.get("http")
    if not url:
        return None
    return Proxy(
        url=re.sub(r"//[^/@]*@", "//", _with_scheme(url)),
        origin=proxies.get("origin", "environment"),
        # Windows' own setting does not reach the web UI's request to itself; the environment's does.
        spares_loopback=proxies.get("origin") != "environment"
        or all(spared(host, proxies.get("no", "")) for host in _LOOPBACK),
    )


def spared(host: str, no_proxy: str) -> bool:
    """Whether `no_proxy` names a host: itself, a domain above it, or "*"."""
    host = host.lower()
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        name = entry.split(":")[0].removeprefix("*").lstrip(".") if entry != "*" else "*"
        if name and (name == "*" or host == name or host.endswith("." + name)):
            return True
    return False


def rewritten(machine: Machine, url: str) -> str:
    """Where git would really go (`insteadOf`), so that a mirror is knocked at and not the original."""
    found = places(machine)
    if not found:
        return url
    told = machine.run([found[0], "ls-remote", "--get-url", url], timeout=2)
    said = told.out.strip()
    place = re.match(r"[a-z+]+://|/|[A-Za-z]:[\\/]|[^\s/\\]+@[^\s/\\]+:", said)
    return said if told.ok and place and "\n" not in said else url


def _knock(machine: Machine, host: Host, proxies: Mapping[str, str]) -> Host:
    url = rewritten(machine, host.url) if host.purpose == "git" else host.url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return _mirror(machine, host, url)
    name = parts.hostname or ""
    proxy = None if spared(name, proxies.get("no", "")) else proxies.get(parts.scheme)
    told = machine.reach(url, proxy=_with_scheme(proxy) if proxy else None, seconds=LIMIT)
    if told.problem == "unknown":
        return replace(host, detail=told.detail)
    return replace(host, reachable=told.problem is None, problem=told.problem, detail=told.detail)


def _mirror(machine: Machine, host: Host, url: str) -> Host:
    """A mirror that git takes from a folder; over SSH only git itself could ask."""
    folder = url.removeprefix("file://")
    if "://" in folder or re.match(r"[^/\\]+@[^/\\]+:", folder):
        return replace(host, detail=f"not tried: {url}")
    # The address of a whole site stands for many folders: the nearest one that is there counts.
    there = any(machine.exists(place) for place in (folder, *_above(folder)))
    return replace(
        host, reachable=there, problem=None if there else "refused", detail=f"replaced by the folder {folder}"
    )


def _above(folder: str) -> list[str]:
    parts = re.split(r"[\\/]", folder.rstrip("\\/"))
    return ["/".join(parts[:-1])] if len(parts) > 2 else []


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"
