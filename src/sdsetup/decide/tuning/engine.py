"""From facts and a profile to a tuning: every flag, variable and version with the rule that set it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sdsetup.decide.facts import Facts, Gpu
from sdsetup.decide.profiles.gpus import GpuTable
from sdsetup.decide.profiles.torch import TorchBuilds
from sdsetup.decide.profiles.tuning import Profile, Rule
from sdsetup.decide.tuning.case import Case, make_case
from sdsetup.decide.tuning.torch import (
    Choice,
    choose_build,
    set_for,
    words_of_drivers,
    xformers_package,
    xformers_runs,
)
from sdsetup.decide.tuning.values import Reason, TorchBuild, Tuning, Unsupported, Warning
from sdsetup.decide.versions import parse_version
from sdsetup.text import Text

ModelClass = Literal["sd15", "sdxl"]
_USABLE = {"cuda": 4, "mps": 4, "rocm": 3, "ipex": 2, "cpu": 1, "none": 0}


def tune(
    facts: Facts,
    profile: Profile,
    gpus: GpuTable,
    builds: TorchBuilds,
    *,
    model_class: ModelClass = "sd15",
    chosen_gpu: Gpu | None = None,
) -> Tuning:
    """The settings for this machine. `chosen_gpu` is one of `facts.gpus`; without it the best one is taken."""
    case, choice = _case_and_torch(facts, profile, gpus, builds, model_class, chosen_gpu)
    outcome = _Outcome()
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
    )


def situation(
    facts: Facts,
    profile: Profile,
    gpus: GpuTable,
    builds: TorchBuilds,
    *,
    model_class: ModelClass = "sd15",
    chosen_gpu: Gpu | None = None,
) -> Case:
    """What the rules were asked about: for conditions of other profiles than the rules'."""
    return _case_and_torch(facts, profile, gpus, builds, model_class, chosen_gpu)[0]


def fallback_builds(tuning: Tuning) -> tuple[TorchBuild, ...]:
    """The builds to try, in order, when the chosen one does not run on the card after all."""
    return tuning.fallbacks


@dataclass
class _Outcome:
    flags: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    omitted: list[Reason] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    unsupported: Unsupported | None = None

    def apply(self, rule: Rule, case: Case) -> None:
        because = case.fill(rule.because)
        self.applied.append(rule.id)
        for flag in rule.flags:
            if flag not in self.flags:
                self.flags.append(flag)
            self.reasons.append(_reason(flag, rule, because))
        for name, value in rule.env:
            self.env[name] = str(case.fill(value))
            self.reasons.append(_reason(name, rule, because))
        for flag in rule.omits:
            self.omitted.append(_reason(flag, rule, because))
        if rule.warn is not None:
            self.warnings.append(Warning(topic=rule.warn, text=because, rule=rule.id, source=rule.source))
        if rule.unsupported:
            self.unsupported = Unsupported(reason=because, instead=case.fill(rule.instead or ""))


def _reason(setting: str, rule: Rule, because: Text) -> Reason:
    decides = None if rule.decides == "device" else rule.decides
    return Reason(setting=setting, rule=rule.id, because=because, source=rule.source, decides=decides)


def _case_and_torch(
    facts: Facts,
    profile: Profile,
    gpus: GpuTable,
    builds: TorchBuilds,
    model_class: ModelClass,
    chosen: Gpu | None,
) -> tuple[Case, Choice]:
    return _with_torch(_best_case(facts, profile, gpus, builds, model_class, chosen), profile, builds)


def _best_case(
    facts: Facts,
    profile: Profile,
    gpus: GpuTable,
    builds: TorchBuilds,
    model_class: ModelClass,
    chosen: Gpu | None,
) -> Case:
    """The case of the card to use: one that works, of the better generation, with more memory."""
    cards: tuple[Gpu | None, ...] = facts.gpus or (None,)
    cases = [make_case(facts, gpu, profile, gpus, builds, model_class) for gpu in cards]
    usable = [_with_device(case, profile) for case in cases]
    best = max(usable, key=lambda case: _rank(case, profile))
    if chosen is not None:
        best = next((case for case in usable if case.gpu == chosen), best)
    return best.extended(*_among(best, facts))


def _rank(case: Case, profile: Profile) -> tuple[float, ...]:
    values = case.values
    tiers = [tier.name for tier in profile.tiers]
    compute = values["compute"] or (0, 0)
    index = values.get("index")
    return (
        _USABLE[values["device"]],
        case.pace,
        tiers.index(values["tier"]) if values["tier"] else -1,
        compute[0] * 10 + compute[1],
        values["vram"] or 0,
        -(index or 0),
    )


def _with_device(case: Case, profile: Profile) -> Case:
    rule = _device(case, profile)
    return case.extended({"device": rule.device if rule is not None and rule.device else "none"})


def _device(case: Case, profile: Profile) -> Rule | None:
    return next((r for r in profile.rules if r.decides == "device" and r.when.holds(case.values)), None)


def _among(case: Case, facts: Facts) -> tuple[dict[str, object], dict[str, str]]:
    """The card's place among the NVIDIA cards, which CUDA counts by itself."""
    same = [gpu for gpu in facts.gpus if gpu.vendor == "nvidia"]
    if case.gpu is None or case.gpu not in same:
        return {"cards": float(len(facts.gpus)), "index": None}, {"cards": str(len(facts.gpus))}
    index = case.gpu.index if case.gpu.index is not None else same.index(case.gpu)
    visible = case.gpu.uuid if case.gpu.mig and case.gpu.uuid else str(index)
    words = {"cards": str(len(same)), "index": str(index), "visible": visible}
    return {"cards": float(len(same)), "index": float(index)}, words


def _with_torch(case: Case, profile: Profile, builds: TorchBuilds) -> tuple[Case, Choice]:
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


def _applying(profile: Profile, case: Case) -> list[Rule]:
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


def _torch(choice: Choice, outcome: _Outcome, case: Case) -> TorchBuild | None:
    build = choice.build
    if build is None:
        return None
    because = case.fill(build.because)
    outcome.reasons.append(
        Reason(setting="torch", rule=f"torch/{build.family}", because=because, source=build.source)
    )
    return set_for(build, with_xformers="--xformers" in outcome.flags)
