"""From facts and a profile to a tuning: every flag, variable and version with the rule that set it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sdsetup.catalog.torch import TorchBuilds
from sdsetup.catalog.tuning import Profile, Rule, Rules
from sdsetup.decide.tuning.cards import memory_gib
from sdsetup.decide.tuning.rule_context import RuleContext, rule_context
from sdsetup.decide.tuning.torch import (
    Choice,
    choose_build,
    set_for,
    words_of_drivers,
    xformers_package,
    xformers_runs,
)
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu
from sdsetup.values.tuning import Reason, TorchBuild, Tuning, Unsupported, Warning
from sdsetup.values.versions import parse_version

ModelClass = Literal["sd15", "sdxl"]
_USABLE = {"cuda": 4, "mps": 4, "rocm": 3, "ipex": 2, "cpu": 1, "none": 0}


def tune(
    facts: Facts,
    rules: Rules,
    *,
    model_class: ModelClass = "sd15",
    chosen_gpu: Gpu | None = None,
) -> Tuning:
    """The settings for this machine. `chosen_gpu` is one of `facts.gpus`; without it the best one is taken."""
    case, choice = _case_and_torch(facts, rules, model_class, chosen_gpu)
    outcome = _Outcome()
    profile = rules.profile
    device = _device(case, profile)
    if device is not None:
        outcome.apply(device, case)
    for rule in _applying(profile, case):
        if rule.decides != "device":
            outcome.apply(rule, case)
    torch = _torch(choice, outcome, case)
    wants_xformers = "--xformers" in outcome.flags
    return Tuning(
        profile=profile.name,
        tier=case.values["tier"] if case.values["device"] in ("cuda", "rocm", "ipex") else None,
        gpu=case.gpu,
        flags=tuple(outcome.flags),
        env=tuple(outcome.env.items()),
        torch=torch,
        warnings=tuple(outcome.warnings),
        unsupported=outcome.unsupported,
        reasons=tuple(outcome.reasons),
        device=case.values["device"],
        model_class=model_class,
        omitted=tuple(outcome.omitted),
        fallbacks=tuple(
            set_for(build, with_xformers=wants_xformers and xformers_runs(build, case))
            for build in choice.fallbacks
        ),
        applied=tuple(outcome.applied),
        memory_gib=memory_gib(rules.gpus, case.gpu) if case.gpu is not None else None,
    )


def main_card(facts: Facts, rules: Rules) -> Gpu | None:
    """The card that the web UI will use, None where the CPU computes: the same in every screen and check."""
    best = _best_case(facts, rules, "sd15", None)
    return best.gpu if _USABLE[best.values["device"]] > _USABLE["cpu"] else None


def situation(
    facts: Facts,
    rules: Rules,
    *,
    model_class: ModelClass = "sd15",
    chosen_gpu: Gpu | None = None,
) -> RuleContext:
    """What the rules were asked about: for conditions of other profiles than the rules'."""
    return _case_and_torch(facts, rules, model_class, chosen_gpu)[0]


@dataclass
class _Outcome:
    flags: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    omitted: list[Reason] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    unsupported: Unsupported | None = None

    def apply(self, rule: Rule, case: RuleContext) -> None:
        because = case.fill(rule.because)
        short = case.fill(rule.short) if rule.short else None
        self.applied.append(rule.id)
        for flag in rule.flags:
            if flag not in self.flags:
                self.flags.append(flag)
            self.reasons.append(_reason(flag, rule, because, short))
        for name, value in rule.env:
            self.env[name] = str(case.fill(value))
            self.reasons.append(_reason(name, rule, because, short))
        for flag in rule.omits:
            self.omitted.append(_reason(flag, rule, because))
        if rule.warn is not None:
            self.warnings.append(Warning(topic=rule.warn, text=because, rule=rule.id, source=rule.source))
        if rule.unsupported:
            self.unsupported = Unsupported(reason=because, instead=case.fill(rule.instead or ""))


def _reason(setting: str, rule: Rule, because: Text, short: Text | None = None) -> Reason:
    decides = None if rule.decides == "device" else rule.decides
    return Reason(setting=setting, rule=rule.id, because=because, source=rule.source, decides=decides, short=short)


def _case_and_torch(
    facts: Facts,
    rules: Rules,
    model_class: ModelClass,
    chosen: Gpu | None,
) -> tuple[RuleContext, Choice]:
    return _with_torch(_best_case(facts, rules, model_class, chosen), rules.profile, rules.builds)


def _best_case(
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
    rule = _device(case, profile)
    return case.extended({"device": rule.device if rule is not None and rule.device else "none"})


def _device(case: RuleContext, profile: Profile) -> Rule | None:
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


def _with_torch(case: RuleContext, profile: Profile, builds: TorchBuilds) -> tuple[RuleContext, Choice]:
    choice = choose_build(case, builds, profile.torch)
    build = choice.build
    values = {
        "torch": build.family if build else None,
        "torch_is_default": build.family == builds.default if build else None,
        "torch_version": parse_version(build.torch) if build else None,
        "driver": choice.driver,
        "updatable": choice.updatable,
        "xformers": xformers_runs(build, case),
    }
    words = {
        **words_of_drivers(choice, case),
        "torch": build.torch if build else "",
        "torch_command": build.command if build else "",
        "xformers_package": xformers_package(build) if build else "",
    }
    return case.extended(values, words), choice


def _applying(profile: Profile, case: RuleContext) -> list[Rule]:
    """Rules that hold, in the profile's order; of those that decide one thing, the first."""
    decided: set[str] = set()
    applying = []
    for rule in profile.rules:
        if rule.decides in decided or not rule.when.holds(case.values):
            continue
        if rule.decides is not None:
            decided.add(rule.decides)
        applying.append(rule)
    return applying


def _torch(choice: Choice, outcome: _Outcome, case: RuleContext) -> TorchBuild | None:
    build = choice.build
    if build is None:
        return None
    because = case.fill(build.because)
    outcome.reasons.append(
        Reason(setting="torch", rule=f"torch/{build.family}", because=because, source=build.source)
    )
    return set_for(build, with_xformers="--xformers" in outcome.flags)
