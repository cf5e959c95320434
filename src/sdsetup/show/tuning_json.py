"""The tuning as the versioned document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sdsetup.decide.tuning.models_that_fit import ModelFit
from sdsetup.decide.tuning.why import Difference, Explanation
from sdsetup.values.facts import Facts
from sdsetup.values.facts_json import machine_json
from sdsetup.values.tuning import Reason, TorchBuild, Tuning

SCHEMA = "sdsetup.tune/1"
WHY_SCHEMA = "sdsetup.why/1"


def tuning_json(tuning: Tuning, facts: Facts, launcher: str) -> dict[str, Any]:
    """`launcher` is the launch file's text."""
    return {
        "schema": SCHEMA,
        "profile": tuning.profile,
        "machine": machine_json(facts),
        "gpu": tuning.gpu.name if tuning.gpu else None,
        "device": tuning.device,
        "model_class": tuning.model_class,
        "tier": tuning.tier,
        "flags": list(tuning.flags),
        "env": dict(tuning.env),
        "torch": torch_json(tuning.torch),
        "fallbacks": [torch_json(build) for build in tuning.fallbacks],
        "warnings": [{"topic": warning.topic, "text": str(warning.text)} for warning in tuning.warnings],
        "unsupported": None
        if tuning.unsupported is None
        else {"reason": str(tuning.unsupported.reason), "instead": str(tuning.unsupported.instead)},
        "reasons": reasons_json(tuning.reasons),
        "omitted": reasons_json(tuning.omitted),
        "launcher": launcher,
    }


def fits_json(fits: Iterable[ModelFit]) -> list[dict[str, str]]:
    """`fits`: yes, slow, no, or elsewhere (another program is needed)."""
    return [{"models": fit.models, "fits": fit.answer, "because": str(fit.because)} for fit in fits]


def torch_json(build: TorchBuild | None) -> dict[str, Any] | None:
    if build is None:
        return None
    return {
        "family": build.family,
        "torch": build.torch,
        "torchvision": build.torchvision or None,
        "xformers": build.xformers,
        "index_url": build.index_url,
        "command": build.command,
    }


def reasons_json(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [
        {
            "setting": reason.setting,
            "rule": reason.rule,
            "because": str(reason.because),
            "source": reason.source,
        }
        for reason in reasons
    ]


def comparison_json(theirs: Tuning, differences: Iterable[Difference]) -> dict[str, Any]:
    """The other profile's answer, and every setting on which the two differ."""
    return {
        "profile": theirs.profile,
        "tier": theirs.tier,
        "flags": list(theirs.flags),
        "env": dict(theirs.env),
        "torch": torch_json(theirs.torch),
        "differences": differences_json(differences),
    }


def differences_json(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    return [
        {
            "setting": one.setting,
            "mine": one.mine,
            "theirs": one.theirs,
            "because": str(one.my_reason.because) if one.my_reason else None,
            "their_because": str(one.their_reason.because) if one.their_reason else None,
        }
        for one in differences
    ]


def why_json(told: Explanation) -> dict[str, Any]:
    """`set_by`: rule, seen-here, left-out, person or nobody; `without_rule`: what would differ, `theirs` then."""
    reason, meaning = told.reason, told.meaning
    return {
        "schema": WHY_SCHEMA,
        "setting": told.setting,
        "value": told.value,
        "set_by": told.set_by,
        "rule": reason.rule if reason else None,
        "because": str(reason.because) if reason else None,
        "source": reason.source if reason else None,
        "effect": meaning.effect if meaning else None,
        "without": meaning.without if meaning else None,
        "without_rule": differences_json(told.changes),
    }
