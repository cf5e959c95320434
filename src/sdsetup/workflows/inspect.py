"""The one look that every command begins with: this machine, a folder, and what the user set there."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from sdsetup.decide.tuning.card_lookup import with_names
from sdsetup.decide.tuning.own_flags import Own, beside, own_settings, with_own_precision
from sdsetup.errors import SdsetupError
from sdsetup.execute.own_files import load_machine
from sdsetup.launchfile.effective import AFTER_THE_LAUNCH_FILE, effective, refuse_overridden
from sdsetup.machine import Machine
from sdsetup.machine.launch_files import read_launch_file
from sdsetup.probe import gather
from sdsetup.show.report import document_in
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Host, Vendor
from sdsetup.values.facts_json import facts_from_json
from sdsetup.values.layout import state_folder
from sdsetup.values.request import LauncherKind
from sdsetup.values.tuning import Tuning
from sdsetup.workflows.session import Session

# What a tuning asks of a machine: it need not wait for ports, disks and the network.
TUNING_SUBJECTS = ("system", "gpus", "memory", "pythons", "installation")
# What a change of the launch file asks besides.
LAUNCH_FILE_SUBJECTS = (*TUNING_SUBJECTS, "git", "folder")

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
    facts = replace(facts, gpus=with_names(session.catalog.gpus, facts.gpus))
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
    facts = replace(facts, gpus=with_names(session.catalog.gpus, facts.gpus))
    return replace(facts, recorded=load_machine(state_folder(folder)))


def vendors(facts: Facts) -> tuple[Vendor, ...] | None:
    """The makers of the cards; None where they could not be asked."""
    return None if "gpus" in facts.unknown else tuple(dict.fromkeys(gpu.vendor for gpu in facts.gpus))


def beside_own(
    session: Session,
    folder: Path,
    facts: Facts,
    tuning: Tuning,
    launch_files: Mapping[LauncherKind, bytes],
) -> tuple[Tuning, tuple[str, ...]]:
    """The tuning as it can stand beside what the user set in the launch files, each meeting point in its
    warnings; and the user's own flags.

    Raises:
        SdsetupError: a launch file that cannot be understood, naming the line.
    """
    rules = session.catalog.rules(tuning.profile)
    page = facts.system.oem_code_page
    after = read_launch_file(folder / AFTER_THE_LAUNCH_FILE) if session.machine.family == "windows" else None
    own_flags: list[str] = []
    # What the environment says counts before the first launch file is there, too: a second run decides the same.
    none_yet: dict[LauncherKind, bytes] = {"bat" if session.machine.family == "windows" else "sh": b""}
    for kind, content in (launch_files or none_yet).items():
        seen = effective(
            kind,
            [content] if after is None or kind != "bat" else [content, after],
            encoding=f"cp{page}" if kind == "bat" and page else None,
            environment=session.machine.env,
            folder=str(folder),
        )
        own = with_surroundings(own_settings(seen, tuning, facts.recorded, rules.known), session.machine, folder)
        tuning = beside(own, with_own_precision(own, tuning, facts, rules), rules.known)
        own_flags += own.all_flags
    if after is not None:
        refuse_overridden(after, tuple(dict(tuning.env)))
    return tuning, tuple(dict.fromkeys(own_flags))


def with_surroundings(own: Own, machine: Machine, folder: Path) -> Own:
    """A Git that is not there is nobody's; what the environment says of `no_proxy` is the user's, too."""
    env = dict(own.env)
    git = (env.get("GIT") or "").strip('"')
    if git and not (machine.which(git) or machine.exists(folder / git)):
        del env["GIT"]
    if "no_proxy" not in env:
        spelt = ("no_proxy", "NO_PROXY")
        if theirs := next((said for one in spelt if (said := env.get(one) or machine.env.get(one))), None):
            env["no_proxy"] = theirs
    return replace(own, env=env)


def read_facts(path: Path) -> Facts:
    """The facts in a file made by `report` or `doctor --json`.

    Raises:
        SdsetupError: `facts-unreadable`, or `facts-invalid` for a file that holds no facts.
    """
    try:
        return facts_from_json(json.loads(document_in(path.read_text(encoding="utf-8-sig"))))
    except (OSError, ValueError, RecursionError) as error:
        there = not isinstance(error, FileNotFoundError)
        why = error.strerror if isinstance(error, OSError) else error
        raise SdsetupError(
            Text("The file can't be used as a description of a PC") if there else Text("There is no such file"),
            where=path,
            why=Text("{error}", error=why) if there else None,
            code="facts-unreadable",
            hint=Text("Use a file created by `sdsetup report --out FILE` or `sdsetup doctor --json`."),
        ) from error
