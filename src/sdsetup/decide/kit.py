"""What a plan needs from a kit, and what of it the kit lacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.kit import Kit
from sdsetup.values.plan import (
    BringGit,
    BringPython,
    BuildEnvironment,
    CheckWebUI,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    FetchFiles,
    Plan,
    ProvePicture,
    ProveTorch,
    SetAside,
    WriteLauncher,
    no_arm,
)
from sdsetup.values.tuning import Tuning

_SYSTEM_OF_ARCHIVE = {"windows": "windows", "linux": "linux", "macos": "darwin"}


def system_of(facts: Facts) -> str:
    """The system that packages are chosen for; WSL takes Linux's."""
    return facts.system.family


def python_of(plan: Plan, facts: Facts, wanted: str) -> str:
    """The minor version ("3.10") that the plan's environment is built with."""
    for step in plan.steps:
        if isinstance(step.action, BuildEnvironment) and step.action.python is not None:
            for python in facts.pythons:
                if python.path == step.action.python and python.version is not None:
                    return f"{python.version[0]}.{python.version[1]}"
    return wanted


def with_fallbacks_of(tuning: Tuning, facts: Facts, kit: Kit) -> Tuning:
    """The same tuning with only the fallback builds that the kit contains."""
    there = {one.build for one in kit.environments if one.system == system_of(facts)}
    return replace(tuning, fallbacks=tuple(build for build in tuning.fallbacks if build.family in there))


def missing(plan: Plan, facts: Facts, kit: Kit, *, python: str) -> tuple[Text, ...]:
    """A line for each thing that a step still needs and the kit lacks."""
    return tuple(dict.fromkeys(_missing(plan, facts, kit, python)))


def _missing(plan: Plan, facts: Facts, kit: Kit, python: str) -> Iterator[Text]:
    system = system_of(facts)
    for step in plan.todo:
        match step.action:
            case CloneWebUI(commit=commit):
                if kit.find("repository", commit) is None:
                    yield Text("the web UI at commit {commit}", commit=commit[:8])
            case CloneRepository(name=name, commit=commit):
                if kit.find("repository", commit) is None:
                    yield Text("the component {name} at commit {commit}", name=name, commit=commit[:8])
            case FetchFile(name=name, sha256=sha256):
                if kit.find("model", sha256) is None:
                    yield Text("the model {name}", name=name)
            case FetchFiles(files=files):
                if any(kit.find("tokenizer", file.sha256) is None for file in files):
                    yield Text("the text encoder files")
            case BringGit(archive=archive):
                if kit.find("git", archive.sha256) is None:
                    yield Text("Git for Windows ({name})", name=archive.name)
            case BringPython(version=version):
                if not any(is_python(piece.id, version, system) for piece in kit.of("python")):
                    yield Text("Python {version} for {system}", version=version, system=named(system))
            case BuildEnvironment(torch=torch):
                packed = kit.environment(system, torch.family, python)
                if packed is None or packed.torch != torch.torch:
                    yield Text(
                        "the packages with PyTorch {torch} for {system} and Python {python}",
                        torch=torch.torch,
                        system=named(system),
                        python=python,
                    )
            case ProveTorch() | WriteLauncher() | SetAside() | CheckWebUI() | ProvePicture():
                pass  # made of what is there already
            case _:
                no_arm(step.action)


def is_python(id: str, version: str, system: str) -> bool:
    """Whether an archive's name is that of this minor version for this system."""
    name = id.rpartition("/")[2]
    return bool(re.match(rf"cpython-{re.escape(version)}\.", name)) and _SYSTEM_OF_ARCHIVE[system] in name


def named(system: str) -> str:
    return {"windows": "Windows", "linux": "Linux", "macos": "macOS"}[system]
