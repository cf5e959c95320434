"""Which steps of a plan are done: by what is on the disk where that is quick to check, else by the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sdsetup.decide.condition import environment_elsewhere, environment_faults, environment_given_up, whole_at
from sdsetup.launchfile import merge
from sdsetup.text import Text
from sdsetup.values.contents import Contents
from sdsetup.values.facts import Facts
from sdsetup.values.journal import Journal
from sdsetup.values.plan import (
    BringGit,
    BringPython,
    BuildEnvironment,
    CheckWebUI,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    FetchFiles,
    ProvePicture,
    ProveTorch,
    SetAside,
    Step,
    WriteLauncher,
    no_arm,
    step_keys,
)
from sdsetup.values.tuning import TorchBuild

# A test result holds for what was tested, and no longer once that has changed or failed.
_PROOFS = (ProveTorch, CheckWebUI, ProvePicture)


def marked(steps: tuple[Step, ...], facts: Facts, contents: Contents, journal: Journal) -> tuple[Step, ...]:
    """Mark what is done: by the disk where that is quick to check, else by the journal and the steps before."""
    keys = step_keys(steps)
    known: dict[str, Step] = {}
    touched: set[str] = set()  # steps that only restore what is missing: the steps that need them stay done
    distrusted = facts.parts is not None and facts.parts.distrusted is not None
    for step in steps:
        truth = _truth(step, facts, contents)
        remembered = journal.done_with(step.id, keys[step.id])
        if isinstance(step.action, _PROOFS):
            grounded = all(known[name].state == "done" for name in step.needs) and not distrusted
        else:
            grounded = all(known[name].state == "done" or name in touched for name in step.needs)
        if truth is not None and truth.enough:
            done = truth.there
        else:
            done = remembered and grounded and (truth is None or truth.there)
        because = truth.because if truth is not None and done else Text("already done")
        if truth is not None and truth.repairs:
            touched.add(step.id)
        known[step.id] = replace(step, state="done", because=because) if done else step
    return tuple(known.values())


@dataclass(frozen=True, kw_only=True)
class _Truth:
    """`there`: it looks done. `enough`: looking is proof, no journal needed. `repairs`: the right thing is there
    but lacks parts, which are restored without changing the rest."""

    there: bool
    enough: bool
    because: Text
    repairs: bool = False


def _truth(step: Step, facts: Facts, contents: Contents) -> _Truth | None:
    match step.action:
        case CloneWebUI(commit=commit):
            return _checkout("", commit, facts, contents)
        case CloneRepository(name=name, commit=commit):
            return _checkout(f"repositories/{name}", commit, facts, contents)
        case SetAside():
            return _Truth(there=False, enough=True, because=Text("set aside"))
        case BringPython():
            return _Truth(there=contents.python is not None, enough=True, because=Text("already downloaded"))
        case BringGit():
            return _Truth(there=contents.git is not None, enough=True, because=Text("already downloaded"))
        case FetchFile() as file:
            return _Truth(
                there=_there(file, contents.sizes) and _loads(file, facts),
                enough=False,
                because=Text("already downloaded and checked"),
            )
        case FetchFiles(files=files):
            there = all(_there(file, contents.sizes) for file in files)
            return _Truth(there=there, enough=False, because=Text("already downloaded and checked"))
        case BuildEnvironment(torch=torch):
            return _environment(torch, facts)
        case WriteLauncher() as launcher:
            return _launcher(launcher, contents)
        case CheckWebUI() | ProveTorch() | ProvePicture():
            return None  # only the journal knows
        case _:
            return no_arm(step.action)


def _environment(torch: TorchBuild, facts: Facts) -> _Truth:
    found, elsewhere = facts.installation, environment_elsewhere(facts)
    if elsewhere is not None:
        variable, folder = elsewhere
        because = Text("{variable} in the launch file leads to {folder}", variable=variable, folder=folder)
        return _Truth(there=environment_given_up(facts) is None, enough=True, because=because)
    there = (
        found is not None
        and found.environment_python is not None
        and found.torch is not None
        and found.torch.split("+")[0] == torch.torch.split("+")[0]
        and (facts.parts is None or not environment_faults(facts.parts))
        and (facts.parts is None or facts.parts.distrusted is None)
    )
    return _Truth(
        there=there, enough=False, because=Text("already there, with PyTorch {torch}", torch=torch.torch)
    )


def _launcher(action: WriteLauncher, contents: Contents) -> _Truth:
    existing = contents.launch_files.get(action.kind)
    there = existing is not None and existing == merge(
        action.kind, existing, action.settings, oem_encoding=action.encoding
    )
    return _Truth(there=there, enough=True, because=Text("up to date"))


def _checkout(path: str, commit: str, facts: Facts, contents: Contents) -> _Truth:
    head = contents.heads.get(path)
    at = head == commit
    whole = whole_at(facts.parts, path) and not (path == "" and contents.damaged)
    # A web UI without Git history gets one around the existing files.
    adopted = path == "" and head is None and facts.installation is not None
    return _Truth(
        there=at and whole,
        enough=True,
        because=Text("at commit {commit}", commit=commit[:8]),
        repairs=(at and not whole) or adopted,
    )


def _there(file: FetchFile, sizes: Mapping[str, int]) -> bool:
    return sizes.get(file.save_as) == file.size


def _loads(file: FetchFile, facts: Facts) -> bool:
    """Whether no check has found a model file that differs from the published one."""
    found = facts.parts.models if facts.parts is not None else ()
    name = file.save_as.rpartition("/")[2]
    return all(one.sha256 in (None, file.sha256) and one.damage is None for one in found if one.name == name)
