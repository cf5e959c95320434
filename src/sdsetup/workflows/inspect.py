"""The one look that every command begins with: this machine, a folder, and what the user set there."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from sdsetup.decide.tuning.own_flags import clashes, own_flags
from sdsetup.errors import SdsetupError
from sdsetup.launchfile import grouped, read
from sdsetup.probe import gather
from sdsetup.storage import read_json
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Host, Vendor
from sdsetup.values.facts_json import facts_from_json
from sdsetup.values.install_record import from_json
from sdsetup.values.request import LauncherKind
from sdsetup.values.tuning import Tuning, Warning
from sdsetup.workflows.session import Session

# What a tuning asks of a machine: it need not wait for ports, disks and the network.
TUNING_SUBJECTS = ("system", "gpus", "memory", "pythons", "installation")
# What a change of the launch file asks besides.
LAUNCH_FILE_SUBJECTS = (*TUNING_SUBJECTS, "git", "disk", "folder")

_log = logging.getLogger("sdsetup.probe")


def inspect(
    session: Session,
    folder: Path,
    *,
    subjects: Collection[str] | None = None,
    network: bool = False,
    known: Facts | None = None,
    slow: Callable[[tuple[str, ...]], None] | None = None,
    deep: bool = False,
) -> Facts:
    """Ask the machine about itself and about a folder. See `probe.gather`.

    `network`: also knock at the addresses that an installation needs; `deep`: hash what can be hashed.
    """
    sizes = [model.size for model in session.catalog.models.models.values()] if deep else None
    hosts = needed_hosts(session) if network else ()
    facts = gather(session.machine, folder, hosts=hosts, subjects=subjects, known=known, slow=slow, deep=sizes)
    _log.info("probes took %s", dict(facts.probe_seconds))
    for subject, reason in facts.unknown.items():
        _log.warning("unknown: %s: %s", subject, reason)
    return facts


def needed_hosts(session: Session) -> tuple[Host, ...]:
    """The addresses to knock at; a mirror of the model hub in place of the hub."""
    mirror = session.machine.env.get("HF_ENDPOINT")
    return tuple(
        replace(host, url=mirror) if mirror and host.purpose == "model" else host
        for host in session.catalog.doctor.hosts
    )


def cards(session: Session, folder: Path) -> Facts:
    """The graphics cards, and what the installation in `folder` was made for."""
    facts = gather(session.machine, folder, subjects=("system", "gpus"))
    return replace(facts, recorded=from_json(read_json(folder / ".sdsetup" / "machine.json")))


def vendors(facts: Facts) -> tuple[Vendor, ...] | None:
    """The makers of the cards; None where they could not be asked."""
    return None if "gpus" in facts.unknown else tuple(dict.fromkeys(gpu.vendor for gpu in facts.gpus))


def own_flags_of(
    session: Session,
    folder: Path,
    facts: Facts,
    tuning: Tuning,
    launch_files: Mapping[LauncherKind, bytes],
) -> tuple[tuple[str, ...], tuple[Warning, ...]]:
    """Flags in the launch files that neither this tuning nor an earlier one of ours set, and a warning for each
    that clashes.

    Raises:
        SdsetupError: a launch file that cannot be understood, naming the line.
    """
    own: list[str] = []
    page = facts.system.oem_code_page
    for kind, content in launch_files.items():
        encoding = f"cp{page}" if kind == "bat" and page else None
        seen = read(kind, content, encoding=encoding, environment=session.machine.env, folder=str(folder))
        in_file = [" ".join((flag.name, *flag.values)) for flag in grouped(seen.flags)]
        own += own_flags(in_file, tuning, facts.recorded.flags if facts.recorded else ())
    found = tuple(dict.fromkeys(own))
    return found, clashes(found, tuning, session.catalog.flags)


def read_facts(path: Path) -> Facts:
    """The facts in a file made by `report` or `doctor --json`.

    Raises:
        SdsetupError: `facts-unreadable`, or `facts-invalid` for a file that holds no facts.
    """
    try:
        return facts_from_json(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:
        raise SdsetupError(
            Text("The facts cannot be read"),
            where=path,
            why=Text("{error}", error=error),
            code="facts-unreadable",
            hint=Text("Give a file made by `sdsetup report --out FILE` or by `sdsetup doctor --json`."),
        ) from error
