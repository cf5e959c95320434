"""Memory settings where the user's own flags make a model larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdsetup.catalog.rules import Rules
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.own_flags import Own, own_warning
from sdsetup.text import Text, all_of, message
from sdsetup.values.facts import Facts
from sdsetup.values.flags import Flag
from sdsetup.values.tuning import Tuning

# Rules that come from images created here, with the user's flags in place.
_SEEN = ("measured", "seen-here")


def with_own_precision(own: Own, tuning: Tuning, facts: Facts, rules: Rules) -> Tuning:
    """The tuning with the memory settings of a smaller card where the user's own flags make the model larger."""
    larger = {
        str(flag): entry.memory
        for flag in (*own.flags, *own.at_start)
        if (entry := rules.known.of(str(flag))) is not None and entry.memory is not None
    }
    card = tuning.gpu
    groups = {name for group in rules.known.exclusive_groups for name in group}
    if any(flag.name in groups for flag in own.at_start):
        return tuning  # decided there, where nothing of ours counts
    if not larger or card is None or card.vram_bytes is None or tuning.device in ("cpu", "none"):
        return tuning
    smaller = replace(card, vram_bytes=int(card.vram_bytes / max(larger.values())))
    there = replace(facts, gpus=tuple(smaller if gpu == card else gpu for gpu in facts.gpus))
    other = tune(there, rules, model_class="sdxl" if tuning.model_class == "sdxl" else "sd15", chosen_gpu=smaller)

    def of_memory(flags: Sequence[str]) -> list[str]:
        return [flag for flag in flags if Flag.parse(flag).name in groups]

    wanted, before = of_memory(other.flags), of_memory(tuning.flags)
    seen_here = any(one.rule in _SEEN and one.setting in before for one in tuning.reasons)
    if other.device != tuning.device or wanted == before or seen_here:
        return tuning
    said = own_warning(
        Text(
            "With your own {own}, a model needs more video memory, so these flags are set: {flags}",
            own=all_of(list(larger)),
            flags=" ".join(wanted) or message("none"),
        )
    )
    return replace(
        tuning,
        flags=(*(flag for flag in tuning.flags if flag not in before), *wanted),
        reasons=(
            *(reason for reason in tuning.reasons if reason.setting not in before),
            *(reason for reason in other.reasons if reason.setting in wanted),
        ),
        warnings=(*tuning.warnings, said),
    )
