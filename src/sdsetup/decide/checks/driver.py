"""Check of NVIDIA's driver: there, running, and new enough for the PyTorch that this card needs."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.decide.checks.cards import main_card
from sdsetup.decide.checks.wording import unanswered
from sdsetup.decide.tuning import engine
from sdsetup.decide.tuning.rule_context import RuleContext
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu
from sdsetup.values.findings import Finding, Fix

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
    "blocked": (
        Text("is not reachable from WSL"),
        Text('Windows blocks this card for Linux ("GPU access blocked by the operating system").'),
        Text("Update the driver in Windows, then restart WSL. A Tesla in TCC mode must be in WDDM mode:"),
    ),
    "lost": (
        Text("has lost the card"),
        Text("The card fell off the bus: power, heat, riser cable or a defect."),
        Text("Switch the PC off, check the card's seat and power plugs, then start it again."),
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
    case = engine.situation(facts, need.rules, chosen_gpu=card)
    if case.values["device"] != "cuda" or case.values["torch"] is None:
        return Finding(
            id="driver",
            status="skip",
            title=_DRIVER,
            summary=Text("{version}: not used, PyTorch can't use this card", version=card.driver_version),
        )
    return _against(case, card, card.driver_version, facts, need)


def _against(case: RuleContext, card: Gpu, version: str, facts: Facts, need: Requirements) -> Finding:
    """The driver beside what the card's PyTorch needs."""
    level = f", CUDA {card.cuda_version}" if card.cuda_version else ""
    stands, least, last = case.values["driver"], case.words["needed_driver"], _last(case)
    if stands == "too-new":
        return Finding(
            id="driver",
            status="fail",
            title=_DRIVER,
            summary=Text("{version}{level}; this card needs {last}.xx", version=version, level=level, last=last),
            why=Text("Newer drivers no longer support this card, so PyTorch can't use it."),
            fix=_update(facts, need, card),
        )
    if stands not in ("too-old", "fallback"):
        said = Text("{version}{level}", version=version, level=level)
        return Finding(id="driver", status="ok", title=_DRIVER, summary=said)
    said = Text("{version}{level}; {least} or newer is needed", version=version, level=level, least=least)
    return Finding(
        id="driver",
        status="warn" if stands == "fallback" else "fail",
        title=_DRIVER,
        summary=said,
        why=Text("PyTorch for this card does not run on an older driver.")
        if stands == "too-old"
        else Text("It is too old for the usual PyTorch; an older and slower one will be used."),
        fix=_update(facts, need, card),
    )


def _last(case: RuleContext) -> int | None:
    """The last driver branch for the card, None while it gets new ones."""
    return case.architecture.last_branch if case.architecture else None


def _without_driver(gpu: Gpu) -> bool:
    """Only the system's list knows of it, and no driver of NVIDIA's stands there."""
    return gpu.vendor == "nvidia" and gpu.source in ("sysfs", "registry") and gpu.driver_version is None


def _no_driver(facts: Facts, need: Requirements) -> Finding:
    problem = facts.driver_problem or ""
    known = _DRIVER_PROBLEMS.get(problem)
    if known is not None:
        said, why, what = known
        fix = Fix(text=what, command="wsl --shutdown" if problem == "blocked" else None)
        return Finding(id="driver", status="fail", title=_DRIVER, summary=said, why=why, fix=fix)
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
    said = (
        Text("NVIDIA's program did not answer in time")
        if problem == "timeout"
        else Text("NVIDIA's program gave no answer that can be read")
    )
    return Finding(
        id="driver",
        status="warn",
        title=_DRIVER,
        summary=Text("{version}; {said}", version=version, said=said) if version else said,
        why=Text("The card may be asleep or stuck in an error, so it is unknown whether it can be used."),
        fix=Fix(text=Text("Restart the PC, then ask again:"), command="sdsetup doctor"),
    )


def _update(facts: Facts, need: Requirements, gpu: Gpu | None) -> Fix:
    """How to get a newer driver. Never "the newest" for a card that the newest ones leave out."""
    last = _last(engine.situation(facts, need.rules, chosen_gpu=gpu)) if gpu is not None else None
    page = need.limits.driver_page
    if facts.system.wsl:
        return Fix(text=Text("Update the driver in Windows (none is installed inside WSL), from:"), command=page)
    if last is not None:
        return Fix(
            text=Text("Branch {last} is the last for this card. Choose the newest {last}.xx there:", last=last),
            command=f"start {page}" if facts.system.family == "windows" else page,
        )
    if facts.system.family == "windows":
        return Fix(
            text=Text("Download the newest driver for this card, install it, restart:"), command=f"start {page}"
        )
    command = need.commands_for(facts).driver
    return Fix(text=Text("Install NVIDIA's driver as administrator, then restart:"), command=command or page)
