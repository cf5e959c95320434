"""All probes, and how their answers become one set of facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sdsetup.machine import Machine
from sdsetup.probe import (
    contents,
    cpu,
    disk,
    folder,
    git,
    gpus,
    installation,
    memory,
    network,
    port,
    pythons,
    system,
)
from sdsetup.probe.asked import Asked
from sdsetup.probe.side_by_side import Job, side_by_side
from sdsetup.values.facts import Facts, Host, System


class Probe(NamedTuple):
    """`ask` answers fields of `Facts` by name; `limit` is the longest that it may take, in seconds."""

    subject: str
    limit: float
    ask: Callable[[Asked], dict[str, Any]]


PROBES = (
    Probe(subject="system", limit=6, ask=system.ask),
    Probe(subject="gpus", limit=15, ask=gpus.ask),
    Probe(subject="pythons", limit=12, ask=pythons.ask),
    Probe(subject="git", limit=6, ask=git.ask),
    Probe(subject="memory", limit=6, ask=memory.ask),
    Probe(subject="cpu", limit=6, ask=cpu.ask),
    Probe(subject="disk", limit=8, ask=disk.ask),
    Probe(subject="drives", limit=8, ask=disk.ask_drives),
    Probe(subject="folder", limit=8, ask=folder.ask),
    Probe(subject="port", limit=4, ask=port.ask),
    Probe(subject="hosts", limit=10, ask=network.ask),
    Probe(subject="installation", limit=12, ask=installation.ask),
    Probe(subject="parts", limit=60, ask=contents.ask),
)
SUBJECTS = tuple(probe.subject for probe in PROBES)


def gather(
    machine: Machine,
    folder: Path,
    *,
    hosts: Sequence[Host] = (),
    port: int = 7860,
    subjects: Collection[str] | None = None,
    known: Facts | None = None,
    slow: Callable[[tuple[str, ...]], None] | None = None,
    deep: Collection[int] | None = None,
) -> Facts:
    """Ask the machine about itself and about one target folder, everything at the same time.

    `hosts` are addresses to knock at (their `reachable` is filled in); none are asked otherwise.
    `subjects` limits the questions to some of `SUBJECTS`; what `known` holds of the others is kept.
    `deep`: contents are hashed as well, those of model files only for these sizes in bytes.
    `slow` is told, after a few seconds, which subjects are being waited for.
    Never raises for what a machine answers: a probe that fails is in `facts.unknown`, with the reason.
    """
    # Whatever the folder holds or names, looking at it starts none of it.
    asked = Asked(
        machine=machine.looking_at(folder),
        folder=folder,
        port=port,
        hosts=tuple(hosts),
        deep=deep is not None,
        known_sizes=frozenset(deep or ()),
    )
    chosen = [probe for probe in PROBES if subjects is None or probe.subject in subjects]
    answers = side_by_side(
        [Job(name=probe.subject, limit=_limit(probe, asked), ask=partial(probe.ask, asked)) for probe in chosen],
        slow=slow,
    )
    facts = known or Facts(system=System(family=machine.family))
    unknown, seconds = dict(facts.unknown), dict(facts.probe_seconds)
    fields: dict[str, Any] = {}
    for subject, answer in answers.items():
        for key in [key for key in unknown if key == subject or key.startswith(f"{subject}.")]:
            del unknown[key]
        seconds[subject] = round(answer.seconds, 3)
        if answer.problem is not None:
            unknown[subject] = answer.problem
            continue
        given = dict(answer.value)
        # Part of a subject may be unknown: {"gpus.nvml": "timed out after 5 s"}.
        unknown |= given.pop("unknown", {})
        fields |= given
    return replace(facts, **fields, unknown=unknown, probe_seconds=seconds)


def _limit(probe: Probe, asked: Asked) -> float:
    """A deep look reads everything: as long as a slow disk needs for 50 GB."""
    return 1000 if asked.deep and probe.subject == "parts" else probe.limit
