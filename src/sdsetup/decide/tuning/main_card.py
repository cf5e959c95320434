"""Which of several cards the web UI uses, where it stands among those of its maker, and what computes on it."""

from __future__ import annotations

from typing import Literal

from sdsetup.catalog.tuning import Profile, Rule, Rules
from sdsetup.decide.tuning.rule_context import RuleContext, rule_context
from sdsetup.values.facts import Facts, Gpu

ModelClass = Literal["sd15", "sdxl"]
_USABLE = {"cuda": 4, "mps": 4, "rocm": 3, "ipex": 2, "cpu": 1, "none": 0}


def main_card(facts: Facts, rules: Rules) -> Gpu | None:
    """The card that the web UI will use, None where the CPU computes: the same in every screen and check."""
    best = best_case(facts, rules, "sd15", None)
    return best.gpu if _USABLE[best.values["device"]] > _USABLE["cpu"] else None


def best_case(
    facts: Facts,
    rules: Rules,
    model_class: ModelClass,
    chosen: Gpu | None,
) -> RuleContext:
    """The case of the card to use: one that works, of the better generation, with more memory."""
    cards: tuple[Gpu | None, ...] = facts.gpus or (None,)
    cases = [rule_context(facts, gpu, rules, model_class) for gpu in cards]
    usable = [_with_device(case, rules.profile) for case in cases]
    best = max(usable, key=lambda case: _rank(case, rules.profile))
    if chosen is not None:
        best = next((case for case in usable if case.gpu == chosen), best)
    return best.extended(*_among(best, facts))


def _rank(case: RuleContext, profile: Profile) -> tuple[float, ...]:
    """What can compute before what cannot, newer code before old, more memory before a newer chip."""
    values = case.values
    tiers = [tier.name for tier in profile.tiers]
    compute = values["compute"] or (0, 0)
    return (
        _USABLE[values["device"]],
        case.pace,
        tiers.index(values["tier"]) if values["tier"] else -1,
        round(values["vram"] or 0),
        compute[0] * 10 + compute[1],
        -_place(case.gpu, case.facts),
    )


def _with_device(case: RuleContext, profile: Profile) -> RuleContext:
    rule = device_rule(case, profile)
    return case.extended({"device": rule.device if rule is not None and rule.device else "none"})


def device_rule(case: RuleContext, profile: Profile) -> Rule | None:
    """The rule that says what computes: the card through CUDA, ROCm, ..., or the CPU."""
    return next((r for r in profile.rules if r.decides == "device" and r.when.holds(case.values)), None)


def _among(case: RuleContext, facts: Facts) -> tuple[dict[str, object], dict[str, str]]:
    """The card's place among those of its maker, which CUDA and ROCm count by themselves."""
    gpu = case.gpu
    if gpu is None or gpu.vendor not in ("nvidia", "amd"):
        return {"cards": float(len(facts.gpus)), "index": None}, {"cards": str(len(facts.gpus))}
    same = [other for other in facts.gpus if other.vendor == gpu.vendor]
    index = _place(gpu, facts)
    visible = gpu.uuid if gpu.mig and gpu.uuid else str(index)
    words = {"cards": str(len(same)), "index": str(index), "visible": visible}
    return {"cards": float(len(same)), "index": float(index)}, words


def _place(gpu: Gpu | None, facts: Facts) -> int:
    """NVIDIA's own number; of others the place in the order of the bus, as far as it is known."""
    if gpu is None:
        return 0
    if gpu.index is not None:
        return gpu.index
    same = [other for other in facts.gpus if other.vendor == gpu.vendor]
    if all(other.pci_bus_id for other in same):
        same = sorted(same, key=lambda other: other.pci_bus_id or "")
    return next((place for place, other in enumerate(same) if other is gpu), 0)
