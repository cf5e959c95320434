"""What of a plan is done already: by truth where it is cheap to ask, else by memory and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sdsetup.launchfile import merge
from sdsetup.text import Text
from sdsetup.values.contents import Contents
from sdsetup.values.facts import Facts
from sdsetup.values.journal import Journal
from sdsetup.values.plan import (
    BringGit,
    BringPython,
    BuildEnvironment,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    FetchFiles,
    Step,
    WriteLauncher,
    step_keys,
)


def marked(steps: tuple[Step, ...], facts: Facts, contents: Contents, journal: Journal) -> tuple[Step, ...]:
    """Mark what is done: by truth where it is cheap to ask, else by the journal and the steps it rests on."""
    keys = step_keys(steps)
    known: dict[str, Step] = {}
    for step in steps:
        truth = _truth(step, facts, contents)
        remembered = journal.done_with(step.id, keys[step.id])
        grounded = all(known[name].state == "done" for name in step.needs)
        if truth is not None and truth.enough:
            done = truth.there
        else:
            done = remembered and grounded and (truth is None or truth.there)
        because = truth.because if truth is not None and done else Text("done before")
        known[step.id] = replace(step, state="done", because=because) if done else step
    return tuple(known.values())


@dataclass(frozen=True, kw_only=True)
class _Truth:
    """`there`: it looks done. `enough`: looking is proof, no memory needed."""

    there: bool
    enough: bool
    because: Text


def _truth(step: Step, facts: Facts, contents: Contents) -> _Truth | None:
    match step.action:
        case CloneWebUI(commit=commit):
            return _Truth(
                there=contents.heads.get("") == commit and not contents.damaged,
                enough=True,
                because=Text("is at {commit}", commit=commit[:8]),
            )
        case CloneRepository(name=name, commit=commit):
            head = contents.heads.get(f"repositories/{name}")
            return _Truth(there=head == commit, enough=True, because=Text("is at {commit}", commit=commit[:8]))
        case BringPython():
            return _Truth(there=contents.python is not None, enough=True, because=Text("brought before"))
        case BringGit():
            return _Truth(there=contents.git is not None, enough=True, because=Text("brought before"))
        case FetchFile() as file:
            return _Truth(
                there=_there(file, contents.sizes), enough=False, because=Text("there, and checked before")
            )
        case FetchFiles(files=files):
            there = all(_there(file, contents.sizes) for file in files)
            return _Truth(there=there, enough=False, because=Text("there, and checked before"))
        case BuildEnvironment(torch=torch):
            found = facts.installation
            there = (
                found is not None
                and found.environment_python is not None
                and found.torch is not None
                and found.torch.split("+")[0] == torch.torch.split("+")[0]
            )
            return _Truth(there=there, enough=False, because=Text("there, with torch {torch}", torch=torch.torch))
        case WriteLauncher(kind=kind) as launcher:
            existing = contents.launch_files.get(kind)
            merged = (
                None
                if existing is None
                else merge(kind, existing, launcher.settings, oem_encoding=launcher.encoding)
            )
            there = existing is not None and merged == existing
            return _Truth(there=there, enough=True, because=Text("holds these settings"))
        case _:
            return None


def _there(file: FetchFile, sizes: Mapping[str, int]) -> bool:
    return sizes.get(file.save_as) == file.size
