"""Whether the addresses that will be needed answer, through the proxy that is set."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from sdsetup.decide.addresses import AddressError, parse_address
from sdsetup.decide.facts import Host, Proxy
from sdsetup.decide.proxies import Proxies, spared, with_scheme
from sdsetup.machine import Machine
from sdsetup.machine.web_policy import proxies
from sdsetup.probe.asked import Asked
from sdsetup.probe.git import places
from sdsetup.probe.side_by_side import Job, side_by_side

LIMIT = 6.0
_LOOPBACK = ("127.0.0.1", "localhost")


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    found = proxies(machine)
    jobs = [
        Job(name=str(n), limit=LIMIT + 1, ask=partial(_knock, machine, host, found))
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
    return {"hosts": tuple(hosts), "proxy": of_person(found)}


def of_person(found: Proxies | None) -> Proxy | None:
    """The proxy as a fact: without the name and password that its address may carry."""
    url = found.https or found.http if found is not None else None
    if found is None or url is None:
        return None
    return Proxy(
        url=re.sub(r"//.*@", "//", with_scheme(url)),
        origin=found.origin,
        # Windows' own setting does not reach the web UI's request to itself; the environment's does.
        spares_loopback=found.origin != "environment" or all(spared(host, found.no) for host in _LOOPBACK),
    )


def rewritten(machine: Machine, url: str) -> str:
    """Where git would really go (`insteadOf`), so that a mirror is knocked at and not the original."""
    found = places(machine)
    if not found:
        return url
    told = machine.run([found[0], "ls-remote", "--get-url", url], timeout=2)
    said = told.out.strip()
    place = re.match(r"[a-z+]+://|/|[A-Za-z]:[\\/]|[^\s/\\]+@[^\s/\\]+:", said)
    return said if told.ok and place and "\n" not in said else url


def _knock(machine: Machine, host: Host, found: Proxies | None) -> Host:
    url = rewritten(machine, host.url) if host.purpose == "git" else host.url
    url = re.sub(r"^(https?://)[^/?#]*@", r"\1", url)  # the knock needs no name and password
    if not url.startswith(("http://", "https://")):
        return _mirror(machine, host, url)
    try:
        address = parse_address(url, plain_http=True)
    except AddressError as error:
        return replace(host, detail=f"not tried: {error}")
    proxy = found.get(address.scheme, address.host, address.port) if found and not address.loopback else None
    told = machine.reach(url, proxy=proxy, seconds=LIMIT)
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
