"""What a kit is for: the torch builds of the systems and graphics cards that were named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sdsetup.decide.refusals import refuse_tuning
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.what_if import DescribedMachine, describe
from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.values.tuning import TorchBuild
from sdsetup.workflows.described_machine import MachineOptions, described
from sdsetup.workflows.inspect import TUNING_SUBJECTS, inspect
from sdsetup.workflows.session import Session

SYSTEMS = ("windows", "linux", "macos")


@dataclass(frozen=True, kw_only=True)
class KitRequest:
    """What a kit is for. `systems` and `gpus` empty: this PC's own; the GPU "none": the processor alone."""

    systems: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    python: bool = True
    program: bool = True
    profile: str = "current"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One environment to be packed."""

    system: str
    torch: TorchBuild


def targets(session: Session, request: KitRequest) -> Iterator[Target]:
    """Each torch build that the named systems and cards need, once.

    Raises:
        UsageError: `option-value`, `gpu-unknown`, `gpu-ambiguous`, `kit-needs-gpu`.
        SdsetupError: `no-torch-build`.
    """
    rules = session.catalog.rules(request.profile)
    subjects = [subject for subject in TUNING_SUBJECTS if subject != "installation"]
    here = inspect(session, session.machine.home, subjects=subjects)
    seen: set[tuple[str, str]] = set()
    for system in request.systems or (here.system.family,):
        if system not in SYSTEMS:
            raise UsageError(
                Text("Kits for {system} are not supported", system=system),
                hint=Text("Use one of: {systems}.", systems=", ".join(SYSTEMS)),
                code="option-value",
            )
        if not request.gpus and system != here.system.family:
            raise UsageError(
                Text("For a kit for another system, name the graphics cards of its PCs"),
                hint=Text('Add each of them, for example --gpu "RTX 3060", or --gpu none.'),
                code="kit-needs-gpu",
            )
        for name in request.gpus or (None,):
            options = MachineOptions(gpu=(name,) if name and name != "none" else (), os=system)
            machine, _sizes = described(session, rules.gpus, options)
            facts = describe(here, machine if name else DescribedMachine())
            if name == "none":
                facts = replace(facts, gpus=())
            tuning = tune(facts, rules)
            refuse_tuning(tuning)
            assert tuning.torch is not None, "refused before"
            if (system, tuning.torch.family) not in seen:
                seen.add((system, tuning.torch.family))
                yield Target(system=system, torch=tuning.torch)
