"""Check of NVIDIA's driver: installed, running, and new enough for the PyTorch that this card needs."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.decide.tuning import engine
from sdsetup.decide.tuning.main_card import main_card
from sdsetup.decide.tuning.rule_context import RuleContext
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu
from sdsetup.values.findings import Finding, Fix

_DRIVER = Text("NVIDIA driver")

_DRIVER_PROBLEMS = {
    "mismatch": (
        Text("updated, but the PC has not been restarted"),
        Text("The running driver and its files have different versions, so no program can use the card."),
        Text("Restart the PC."),
    ),
    "denied": (
        Text("no permission to use the card"),
        Text("The driver denies access to this account, so PyTorch can't use the card."),
        Text("Use an account that has access to the card (on Linux, see the groups of /dev/nvidia0)."),
    ),
    "blocked": (
        Text("not available in WSL"),
        Text('Windows blocks access to this card from WSL ("GPU access blocked by the operating system").'),
        Text("Update the driver in Windows (and switch a Tesla from TCC to WDDM mode), then restart WSL:"),
    ),
    "lost": (
        Text("lost contact with the card"),
        Text("The card stopped responding. Usual causes: power supply, heat, riser cable, or a defect."),
        Text("Turn the PC off, check that the card and its power cables sit firmly, then turn it back on."),
    ),
    "no-devices": (
        Text("running, but finds no card"),
        Text("The card is disabled or loose. Some laptops turn it off to save power."),
        Text("Enable it in Device Manager or in the laptop's own settings, then restart."),
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
    chosen = main_card(facts, need.rules)
    card = chosen if chosen is not None and chosen.vendor == "nvidia" else cards[0]
    if not card.driver_version:
        return Finding(id="driver", status="skip", title=_DRIVER, summary=Text("version unknown"))
    case = engine.situation(facts, need.rules, chosen_gpu=card)
    if case.values["device"] != "cuda" or case.values["torch"] is None:
        return Finding(
            id="driver",
            status="skip",
            title=_DRIVER,
            summary=Text("{version} (not used: PyTorch doesn't support this card)", version=card.driver_version),
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
            why=Text("This driver no longer supports the card, so PyTorch can't use it."),
            fix=_update(facts, need, card),
        )
    if stands not in ("too-old", "fallback"):
        said = Text("{version}{level}", version=version, level=level)
        return Finding(id="driver", status="ok", title=_DRIVER, summary=said)
    said = Text("{version}{level}; {least} or newer needed", version=version, level=level, least=least)
    return Finding(
        id="driver",
        status="warn" if stands == "fallback" else "fail",
        title=_DRIVER,
        summary=said,
        why=Text("The PyTorch version for this card doesn't run on an older driver.")
        if stands == "too-old"
        else Text("The driver is too old for the usual PyTorch version, so an older and slower one will be used."),
        fix=_update(facts, need, card),
    )


def _last(case: RuleContext) -> int | None:
    """The last driver branch for the card, None while it gets new ones."""
    return case.architecture.last_branch if case.architecture else None


def _without_driver(gpu: Gpu) -> bool:
    """Whether only the system's list of devices has the card, without a driver of NVIDIA's."""
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
        why = Text("Linux is using its open driver, nouveau, and PyTorch doesn't work with it.")
    elif problem == "not-running":
        why = Text("NVIDIA's tools are installed, but the driver is not running.")
    else:
        why = Text("PyTorch can use the card only with NVIDIA's own driver.")
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
    """nvidia-smi is there but gives no usable answer: no reason to stop, and none to call it fine."""
    version = next(
        (gpu.driver_version for gpu in facts.gpus if gpu.vendor == "nvidia" and gpu.driver_version), None
    )
    said = Text("nvidia-smi didn't respond") if problem == "timeout" else Text("nvidia-smi failed")
    return Finding(
        id="driver",
        status="warn",
        title=_DRIVER,
        summary=Text("{version}; {said}", version=version, said=said) if version else said,
        why=Text("The card may be asleep or stuck, so it's unclear whether it works."),
        fix=Fix(text=Text("Restart the PC, then check again:"), command="sdsetup doctor"),
    )


def _update(facts: Facts, need: Requirements, gpu: Gpu | None) -> Fix:
    """How to get a newer driver. Never "the newest" for a card that the newest ones leave out."""
    last = _last(engine.situation(facts, need.rules, chosen_gpu=gpu)) if gpu is not None else None
    page = need.limits.driver_page
    if facts.system.wsl:
        return Fix(text=Text("Update the driver in Windows (don't install one in WSL):"), command=page)
    if last is not None:
        return Fix(
            text=Text("Install the newest {last}.xx driver, the last series for this card, from:", last=last),
            command=f"start {page}" if facts.system.family == "windows" else page,
        )
    if facts.system.family == "windows":
        return Fix(text=Text("Install the newest driver for this card, then restart:"), command=f"start {page}")
    command = need.commands_for(facts).driver
    return Fix(text=Text("Install NVIDIA's driver, then restart:"), command=command or page)
