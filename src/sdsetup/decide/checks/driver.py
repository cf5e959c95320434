"""Check of NVIDIA's driver: there, running, and new enough for the PyTorch that this card needs."""

from __future__ import annotations

from sdsetup.catalog.requirements import DriverFloor, Requirements
from sdsetup.decide.checks.cards import floor_for, main_card
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu
from sdsetup.values.findings import Finding, Fix
from sdsetup.values.versions import at_least

_DRIVER = Text("NVIDIA driver")

_DRIVER_PROBLEMS = {
    "mismatch": (
        Text("was updated, and the PC has not been restarted since"),
        Text("The running driver and its programs are of two versions, so nothing can use the card."),
        Text("Restart the PC."),
    ),
    "denied": (
        Text("does not let this account ask"),
        Text("Without it neither sdsetup nor PyTorch can use the card."),
        Text("Use an account that may use the card (on Linux: the groups of /dev/nvidia0)."),
    ),
    "no-devices": (
        Text("runs, and sees no card"),
        Text("The card is switched off or not seated well; some laptops switch it off to save power."),
        Text("Switch it on in the device manager or the laptop's own settings, then restart."),
    ),
}


def driver(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "gpus", "driver", _DRIVER):
        return found
    if facts.driver_problem is not None or any(_without_driver(gpu) for gpu in facts.gpus):
        return _no_driver(facts, need)
    cards = [gpu for gpu in facts.gpus if gpu.vendor == "nvidia"]
    if not cards:
        return Finding(id="driver", status="skip", title=_DRIVER, summary=Text("no NVIDIA card"))
    chosen = main_card(facts, need)
    card = chosen if chosen is not None and chosen.vendor == "nvidia" else cards[0]
    if card.driver_version is None:
        return Finding(id="driver", status="skip", title=_DRIVER, summary=Text("its version is not known"))
    floor = floor_for(card, need)
    if floor is None:
        return Finding(
            id="driver",
            status="skip",
            title=_DRIVER,
            summary=Text("{version}: not used, this card is too old for PyTorch", version=card.driver_version),
        )
    return _against(floor, card, card.driver_version, facts, need)


def _against(floor: DriverFloor, card: Gpu, version: str, facts: Facts, need: Requirements) -> Finding:
    """The driver beside what the card's PyTorch needs."""
    # Under WSL the driver is the one of Windows, with its numbers.
    windows = facts.system.family == "windows" or facts.system.wsl
    least, older = (
        (floor.windows, floor.older_works_from_windows) if windows else (floor.linux, floor.older_works_from_linux)
    )
    level = f", CUDA {card.cuda_version}" if card.cuda_version else ""
    if at_least(version, least):
        said = Text("{version}{level}", version=version, level=level)
        return Finding(id="driver", status="ok", title=_DRIVER, summary=said)
    works = older is not None and at_least(version, older)
    said = Text("{version}{level}; {least} or newer is needed", version=version, level=level, least=least)
    return Finding(
        id="driver",
        status="warn" if works else "fail",
        title=_DRIVER,
        summary=said,
        why=Text(floor.because)
        if not works
        else Text("It is too old for the usual PyTorch; an older and slower one will be used."),
        fix=_update(facts, need, card),
    )


def _without_driver(gpu: Gpu) -> bool:
    """Only the system's list knows of it, and no driver of NVIDIA's stands there."""
    return gpu.vendor == "nvidia" and gpu.source in ("sysfs", "registry") and gpu.driver_version is None


def _no_driver(facts: Facts, need: Requirements) -> Finding:
    problem = facts.driver_problem or ""
    known = _DRIVER_PROBLEMS.get(problem)
    if known is not None:
        said, why, what = known
        return Finding(id="driver", status="fail", title=_DRIVER, summary=said, why=why, fix=Fix(text=what))
    if problem in ("timeout", "failed"):
        return _unclear(facts, problem)
    if facts.system.nouveau:
        why = Text("Linux uses its own driver, nouveau, with which PyTorch cannot work.")
    elif problem == "not-running":
        why = Text("NVIDIA's program is there, but its driver is not running.")
    else:
        why = Text("PyTorch reaches the card only through NVIDIA's own driver.")
    first = next((gpu for gpu in facts.gpus if gpu.vendor == "nvidia"), None)
    return Finding(
        id="driver",
        status="fail",
        title=_DRIVER,
        summary=Text("not running"),
        why=why,
        fix=_update(facts, need, first),
    )


def _unclear(facts: Facts, problem: str) -> Finding:
    """NVIDIA's program is there and says nothing of use: no reason to stop, and no reason to be calm."""
    version = next(
        (gpu.driver_version for gpu in facts.gpus if gpu.vendor == "nvidia" and gpu.driver_version), None
    )
    said = "did not answer in time" if problem == "timeout" else "gave no answer that can be read"
    return Finding(
        id="driver",
        status="warn",
        title=_DRIVER,
        summary=Text(
            "{version}{said}", version=f"{version}; " if version else "", said=f"NVIDIA's program {said}"
        ),
        why=Text("The card may be asleep or stuck in an error, so it is unknown whether it can be used."),
        fix=Fix(text=Text("Restart the PC, then ask again:"), command="sdsetup doctor"),
    )


def _update(facts: Facts, need: Requirements, gpu: Gpu | None) -> Fix:
    """How to get a newer driver. Never "the newest" for a card that the newest ones leave out."""
    capability = gpu.compute_capability if gpu else None
    last = next((last for last in need.last_branches if capability and capability < last.capability_below), None)
    page = need.limits.driver_page
    if facts.system.wsl:
        return Fix(text=Text("Update the driver in Windows (none is installed inside WSL), from:"), command=page)
    if last is not None:
        return Fix(
            text=Text(
                "{because} Choose the newest {branch} there:", because=last.because, branch=f"{last.branch}.xx"
            ),
            command=f"start {page}" if facts.system.family == "windows" else page,
        )
    if facts.system.family == "windows":
        return Fix(
            text=Text("Download the newest driver for this card, install it, restart:"), command=f"start {page}"
        )
    command = need.commands_for(facts).driver
    return Fix(text=Text("Install NVIDIA's driver as administrator, then restart:"), command=command or page)
