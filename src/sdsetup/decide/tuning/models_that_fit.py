"""Which models fit this graphics card: the first question that users ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdsetup.catalog.fit import ModelKind
from sdsetup.decide.tuning.rule_context import RuleContext
from sdsetup.text import Text

_ON_A_CARD = ("cuda", "rocm", "ipex")


@dataclass(frozen=True, kw_only=True)
class ModelFit:
    """`answer`: yes, slow, no, or elsewhere (another program is needed)."""

    models: str
    answer: str
    because: Text


def models_that_fit(kinds: Sequence[ModelKind], case: RuleContext) -> tuple[ModelFit, ...]:
    """An answer for every kind of model on the card of a case; none where nothing is known of its memory."""
    vram, device = case.values["vram"], case.values["device"]
    if device == "none" or (device in _ON_A_CARD and vram is None):
        return ()
    return tuple(_fit(kind, vram if device in _ON_A_CARD else None) for kind in kinds)


def _fit(kind: ModelKind, vram: float | None) -> ModelFit:
    if kind.program is not None:
        because = Text("need another program: {program}", program=Text(kind.program))
        return ModelFit(models=kind.name, answer="elsewhere", because=because)
    if vram is None:
        because = Text("uses system memory")
        return ModelFit(models=kind.name, answer="slow", because=because)
    step = next(step for step in reversed(kind.steps) if vram >= step.from_gib)
    return ModelFit(models=kind.name, answer=step.answer, because=Text(step.because))
