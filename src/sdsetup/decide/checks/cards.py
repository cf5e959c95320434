"""Checks of the graphics cards, and of whether the card has changed since the installation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import faulty, memory, unanswered
from sdsetup.decide.record import changed, of_card
from sdsetup.decide.tuning import engine
from sdsetup.decide.tuning.card_lookup import memory_gib
from sdsetup.decide.tuning.main_card import main_card
from sdsetup.text import Listed, Text, all_of, message
from sdsetup.values.facts import GIB, Facts, Gpu
from sdsetup.values.findings import Finding, Fix, Status
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning

_GPU = Text("Graphics card")
_CARD = Text("Since installation")
# Topics of warnings that say why a card isn't used.
_NOT_USED = ("unsupported-gpu", "legacy-gpu", "gpu-unknown", "vram")


def gpu(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "gpus", "gpu", _GPU):
        return replace(
            found,
            status="warn",
            why=Text("The choice of PyTorch and of the settings depends on the graphics card."),
        )
    card = main_card(facts, need.rules)
    if card is None:
        return _no_card(facts, need)
    said = _summary(facts, card, need)
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
                why=Text("Your account is not in {groups}, so it can't use the card.", groups=all_of(missing)),
                fix=Fix(
                    text=Text("Add your account, then sign out and back in:"),
                    command=f'sudo usermod -aG {",".join(missing)} "$USER"',
                ),
            )
    if card.vendor == "amd" and engine.situation(facts, need.rules, chosen_gpu=card).values["driver"] == "missing":
        return Finding(
            id="gpu",
            status="fail",
            title=_GPU,
            summary=said,
            why=Text("AMD's driver (amdgpu) isn't running for this card, so nothing can compute on it."),
            fix=Fix(text=Text("Update Linux (kernel and firmware), then restart.")),
        )
    if vram is not None and vram < limits.vram_good:
        return Finding(
            id="gpu",
            status="warn",
            title=_GPU,
            summary=said,
            why=Text(limits.vram_because),
            fix=Fix(
                text=Text("Nothing to do: the settings are chosen to fit. To see them:"), command="sdsetup tune"
            ),
        )
    return _busy(card, said) or Finding(id="gpu", status="ok", title=_GPU, summary=said)


def card(facts: Facts, need: Requirements) -> Finding:
    """Whether the graphics card has changed since the installation in this folder was made."""
    then = facts.recorded
    if (
        then is None
        and facts.installation is not None
        and facts.parts is not None
        and facts.parts.locked is not None
    ):
        return _record_lost(facts)
    if then is None or (then.card is None and not then.made_here):
        return Finding(
            id="card", status="skip", title=_CARD, summary=Text("sdsetup hasn't installed anything here")
        )
    if found := unanswered(facts, "gpus", "card", _CARD):
        return found
    now = main_card(facts, need.rules)
    came = then.card is None and then.profile is not None and now is not None
    if not came and (then.card is None or any(not _card_changes(then, gpu) for gpu in facts.gpus)):
        return Finding(
            id="card",
            status="ok",
            title=_CARD,
            summary=Text("graphics card unchanged ({card})", card=then.card or message("none")),
        )
    return Finding(
        id="card",
        status="warn",
        title=_CARD,
        summary=Text(
            "graphics card changed: was {then}, now {now}",
            then=then.card or message("CPU only"),
            now=now.name if now and now.name else message("no usable card"),
        ),
        why=Text("PyTorch and the settings are the ones for the previous card.")
        if then.card
        else Text("PyTorch and the settings are the ones for the CPU, where each image takes minutes."),
        fix=Fix(
            text=Text("Choose them again (your models, images, and own settings stay):"),
            command="sdsetup tune --yes",
        ),
    )


def _record_lost(facts: Facts) -> Finding:
    """The environment says that sdsetup made it, and the record of the installation is not there."""
    return faulty(
        facts,
        "card",
        "warn",
        _CARD,
        Text("sdsetup's record of this installation is missing or damaged"),
        Text("Without it, sdsetup can't notice a new graphics card, and `sdsetup undo` may have nothing to undo."),
        Text("Have sdsetup take over this folder again (your files and settings stay):"),
    )


def _card_changes(then: InstallRecord, gpu: Gpu) -> bool:
    changes = changed(then, of_card(gpu))
    return gpu.name is None or any(change.what in ("card", "vram") for change in changes)


def _named(gpu: Gpu, need: Requirements) -> Listed:
    parts: list[Any] = [gpu.name or Text("{vendor} card (model unknown)", vendor=gpu.vendor.upper())]
    if (size := memory_gib(need.rules.gpus, gpu)) is not None:
        parts.append(memory(round(size * GIB)))
    elif gpu.vendor == "apple":
        parts.append(Text("shares the Mac's system memory"))
    if gpu.compute_capability is not None:
        parts.append(Text("compute capability {level}", level="{}.{}".format(*gpu.compute_capability)))
    if gpu.mig:
        parts.append(Text("split into instances (MIG)"))
    return Listed(parts)


def _summary(facts: Facts, chosen: Gpu, need: Requirements) -> Text:
    rest = [gpu.name or gpu.vendor for gpu in facts.gpus if gpu is not chosen]
    if not rest:
        return Text("{card}", card=_named(chosen, need))
    return Text("{card}; not used: {others}", card=_named(chosen, need), others=Listed(rest))


def _busy(card: Gpu, said: Text) -> Finding | None:
    """A warning when other programs use more than a third of the video memory."""
    if not card.vram_bytes or not card.vram_used_bytes or card.vram_used_bytes * 3 < card.vram_bytes or card.mig:
        return None
    return Finding(
        id="gpu",
        status="warn",
        title=_GPU,
        summary=said,
        why=Text("Other programs are using {used} of its video memory.", used=memory(card.vram_used_bytes)),
        fix=Fix(text=Text("Close games and other graphics programs before you create images.")),
    )


def _no_card(facts: Facts, need: Requirements) -> Finding:
    status: Status = "fail" if need.gpu_required else "warn"
    slow = Text("Without a supported graphics card, each image takes minutes (CPU only).")
    shown = [gpu for gpu in facts.gpus if gpu.vendor != "other"]
    if not shown:
        return Finding(
            id="gpu",
            status=status,
            title=_GPU,
            summary=Text("none found"),
            why=slow,
            fix=Fix(
                text=Text(
                    "If this PC has a graphics card, install its driver. NVIDIA cards with 8 GB or more work best."
                )
            ),
        )
    said = Text("{cards} (not usable)", cards=all_of([_named(gpu, need) for gpu in shown]))
    tuning = engine.tune(facts, need.rules)
    return Finding(
        id="gpu",
        status=status,
        title=_GPU,
        summary=said,
        why=_why_not(tuning) or slow,
        fix=_instead(facts, need, tuning),
    )


def _why_not(tuning: Tuning) -> Text | None:
    """The reason that the tuning gives for not using the card."""
    if tuning.unsupported is not None:
        return tuning.unsupported.reason
    return next((warning.text for warning in tuning.warnings if warning.topic in _NOT_USED), None)


def _instead(facts: Facts, need: Requirements, tuning: Tuning) -> Fix:
    vendors = {gpu.vendor for gpu in facts.gpus if not gpu.integrated}
    if "amd" in vendors and facts.system.family == "windows":
        return Fix(
            text=Text("This web UI supports AMD cards only on Linux. For Windows, there's a fork that does:"),
            command=f"start {need.limits.amd_windows_page}",
        )
    if tuning.unsupported is not None:
        return Fix(text=tuning.unsupported.instead)
    return Fix(text=Text("Nothing to do: settings for the CPU are chosen. To see them:"), command="sdsetup tune")
