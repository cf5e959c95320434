"""Checks of the graphics cards, and whether the card is still the one of the installation."""

from __future__ import annotations

from dataclasses import replace

from sdsetup.catalog.requirements import DriverFloor, Requirements
from sdsetup.decide.checks.wording import listed, memory, unanswered
from sdsetup.decide.record import changed, of_card
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu, System
from sdsetup.values.findings import Finding, Fix, Status
from sdsetup.values.install_record import InstallRecord

_GPU = Text("Graphics card")
_CARD = Text("Same card")


def main_card(facts: Facts, need: Requirements) -> Gpu | None:
    """The card that the web UI will use: one that PyTorch can use, of those the newest kind, then the largest."""
    usable = [(rank, gpu) for gpu in facts.gpus if (rank := _rank(gpu, facts.system, need)) > 0]
    if not usable:
        return None
    return max(usable, key=lambda pair: (pair[0], pair[1].vram_bytes or 0, -(pair[1].index or 0)))[1]


def gpu(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "gpus", "gpu", _GPU):
        return replace(
            found, status="warn", why=Text("The card decides which PyTorch and which settings are right.")
        )
    card = main_card(facts, need)
    if card is None:
        return _no_card(facts, need)
    said = Text("{card}{others}", card=_named(card), others="" if len(facts.gpus) < 2 else _others(facts, card))
    limits = need.limits
    vram = card.vram_bytes
    if vram is None and card.vendor == "apple":
        return Finding(id="gpu", status="ok", title=_GPU, summary=said)
    if card.vendor == "amd" and facts.system.groups is not None and not facts.system.root:
        missing = [name for name in ("render", "video") if name not in facts.system.groups]
        if missing and not facts.system.wsl:
            return Finding(
                id="gpu",
                status="fail",
                title=_GPU,
                summary=said,
                why=Text("Your account is not in {groups}, so it may not use the card.", groups=listed(missing)),
                fix=Fix(
                    text=Text("Add it, then sign out and in again:"),
                    command=f'sudo usermod -aG {",".join(missing)} "$USER"',
                ),
            )
    if vram is not None and vram < limits.vram_good:
        few = vram < limits.vram_least
        return Finding(
            id="gpu",
            status="warn",
            title=_GPU,
            summary=said,
            why=Text(limits.vram_because)
            if not few
            else Text("It has too little memory for pictures; the processor will make them, slowly."),
            fix=Fix(text=Text("Nothing to do: the settings are chosen to fit."), command="sdsetup tune"),
        )
    return _busy(card, said) or Finding(id="gpu", status="ok", title=_GPU, summary=said)


def card(facts: Facts, need: Requirements) -> Finding:
    """Whether the card is the one that the installation in this folder was made for."""
    then = facts.recorded
    if then is None:
        return Finding(
            id="card", status="skip", title=_CARD, summary=Text("nothing was installed here by sdsetup")
        )
    if found := unanswered(facts, "gpus", "card", _CARD):
        return found
    now = main_card(facts, need)
    came = then.card is None and then.profile is not None and now is not None
    if not came and (then.card is None or any(not _card_changes(then, gpu) for gpu in facts.gpus)):
        return Finding(
            id="card",
            status="ok",
            title=_CARD,
            summary=Text("{card}, as when it was installed", card=then.card or "none"),
        )
    return Finding(
        id="card",
        status="warn",
        title=_CARD,
        summary=Text(
            "was {then}, is {now}",
            then=then.card or "the processor",
            now=now.name if now and now.name else "none that is usable",
        ),
        why=Text("PyTorch and the settings were chosen for the old card.")
        if then.card
        else Text("PyTorch and the settings were chosen for the processor, which takes minutes for each picture."),
        fix=Fix(
            text=Text("Choose them anew; models, pictures and your own settings stay:"),
            command="sdsetup tune --yes",
        ),
    )


def floor_for(gpu: Gpu, need: Requirements) -> DriverFloor | None:
    """The driver that this card's PyTorch needs. A card of unknown capability is taken for an ordinary one."""
    if gpu.compute_capability is None:
        ordinary = [floor for floor in need.drivers if floor.older_works_from_linux is not None]
        return ordinary[0] if ordinary else (need.drivers[0] if need.drivers else None)
    return next((floor for floor in need.drivers if gpu.compute_capability >= floor.capability_from), None)


def _card_changes(then: InstallRecord, gpu: Gpu) -> bool:
    changes = changed(then, of_card(gpu))
    return gpu.name is None or any(change.what in ("card", "vram") for change in changes)


def _rank(gpu: Gpu, system: System, need: Requirements) -> int:
    """0: PyTorch cannot use it here. NVIDIA before AMD and Apple before Intel."""
    if gpu.vendor == "nvidia":
        if gpu.compute_capability is None:
            return 5
        if floor_for(gpu, need) is None:
            return 0
        return 6 if gpu.compute_capability >= (5, 0) else 4
    if gpu.vendor == "amd":
        return 3 if system.family != "windows" and not system.wsl and not gpu.integrated else 0
    if gpu.vendor == "apple":
        return 3
    return 1 if gpu.vendor == "intel" and not gpu.integrated and gpu.integrated is not None else 0


def _named(gpu: Gpu) -> str:
    parts = [gpu.name or f"{gpu.vendor.upper()} card of unknown name"]
    if gpu.vram_bytes is not None:
        parts.append(memory(gpu.vram_bytes))
    elif gpu.vendor == "apple":
        parts.append("shares the Mac's memory")
    if gpu.compute_capability is not None:
        parts.append("compute capability {}.{}".format(*gpu.compute_capability))
    if gpu.mig:
        parts.append("divided (MIG)")
    return ", ".join(parts)


def _others(facts: Facts, chosen: Gpu) -> str:
    rest = [gpu.name or gpu.vendor for gpu in facts.gpus if gpu is not chosen]
    return f"; also {listed(rest)}, not used"


def _busy(card: Gpu, said: Text) -> Finding | None:
    """More than a third of the card in other programs' hands."""
    if not card.vram_bytes or not card.vram_used_bytes or card.vram_used_bytes * 3 < card.vram_bytes or card.mig:
        return None
    return Finding(
        id="gpu",
        status="warn",
        title=_GPU,
        summary=said,
        why=Text("Other programs hold {used} of its memory now.", used=memory(card.vram_used_bytes)),
        fix=Fix(text=Text("Close games and other programs that draw before you make pictures.")),
    )


def _no_card(facts: Facts, need: Requirements) -> Finding:
    status: Status = "fail" if need.gpu_required else "warn"
    slow = Text("Without a usable card the processor makes the pictures: minutes for each.")
    shown = [gpu for gpu in facts.gpus if gpu.vendor != "other"]
    if not shown:
        return Finding(
            id="gpu",
            status=status,
            title=_GPU,
            summary=Text("none found"),
            why=slow,
            fix=Fix(
                text=Text("If there is a card, install its driver; an NVIDIA card of 8 GB or more is comfortable.")
            ),
        )
    said = Text("{cards}: not usable", cards=listed([_named(gpu) for gpu in shown]))
    vendors = {gpu.vendor for gpu in shown if not gpu.integrated}
    if "amd" in vendors:
        fix = Fix(
            text=Text(
                "This web UI uses AMD cards on Linux only. On Windows there is a fork for them:"
                if facts.system.family == "windows"
                else "This web UI uses AMD cards on Linux itself, not inside WSL."
            ),
            command=f"start {need.limits.amd_windows_page}" if facts.system.family == "windows" else None,
        )
    elif "nvidia" in vendors:
        fix = Fix(text=Text("This card is too old for every PyTorch that the web UI can use."))
    else:
        fix = Fix(text=Text("Nothing to do: settings for the processor are chosen."), command="sdsetup tune")
    return Finding(id="gpu", status=status, title=_GPU, summary=said, why=slow, fix=fix)
