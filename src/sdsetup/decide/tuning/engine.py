"""From facts and a profile to a tuning: every flag, variable and version with the rule that set it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdsetup.catalog.torch import TorchBuilds
from sdsetup.catalog.tuning import Profile, Rule, Rules
from sdsetup.decide.tuning.card_lookup import memory_gib
from sdsetup.decide.tuning.main_card import ModelClass, best_case, device_rule
from sdsetup.decide.tuning.rule_context import RuleContext
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
    device = device_rule(case, profile)
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
    return _with_torch(best_case(facts, rules, model_class, chosen), rules.profile, rules.builds)


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
