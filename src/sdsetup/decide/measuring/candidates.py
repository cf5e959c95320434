"""Which settings are tried on the graphics card, and in which order. Pure.

The caller runs them: it asks `next_candidate` after every measurement until there is none. `step_down` makes a
tuning one step lighter, after a card ran out of memory or gave a black image.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sdsetup.catalog.failures import FailureBook
from sdsetup.catalog.flags import KnownFlags
from sdsetup.catalog.measure import Alternative, MeasureProfile
from sdsetup.decide.picture.attempts import Attempt, FlagChange, changed_flags, next_change
from sdsetup.decide.tuning.rule_context import RuleContext
from sdsetup.text import Text
from sdsetup.values.tuning import Reason, Tuning

Outcome = Literal["good", "black", "out-of-memory", "failed"]


Cause = Literal["oom", "black"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One set of flags to start the web UI with. `name` is stable: rule, faster, safer, attention-sdp, ..."""

    name: str
    title: Text
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one candidate did. `step_seconds`: seconds per step of each counted image; `seconds`: all of it,
    the start included; bytes are the highest seen: by torch, on the whole card, spilled into shared memory."""

    candidate: Candidate
    outcome: Outcome
    step_seconds: tuple[float, ...] = ()
    seconds: float | None = None
    torch_peak_bytes: int | None = None
    card_peak_bytes: int | None = None
    card_total_bytes: int | None = None
    spilled_bytes: int | None = None
    problem: str | None = None

    @property
    def good(self) -> bool:
        return self.outcome == "good" and bool(self.step_seconds)

    @property
    def speed(self) -> float | None:
        """Seconds per step, the middle one of the images; None when it made none."""
        return statistics.median(self.step_seconds) if self.good else None

    @property
    def spilled(self) -> bool:
        return bool(self.spilled_bytes)

    @property
    def peak_bytes(self) -> int | None:
        """What it held at most; None where nobody told. The card is looked at a few times a second and can miss a
        short peak that PyTorch, which counts its own memory only, has noted."""
        known = [peak for peak in (self.card_peak_bytes, self.torch_peak_bytes) if peak is not None]
        return max(known, default=None)

    def fits(self, margin: float) -> bool | None:
        """Whether a part of the card stayed free at the peak; None when the memory is not known."""
        peak = self.peak_bytes
        if self.spilled:
            return False
        if peak is None or not self.card_total_bytes:
            return None
        return peak <= self.card_total_bytes * (1 - margin)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Everything that candidates are made from: the rules' tuning, its case, and a way to a safer tuning."""

    tuning: Tuning
    case: RuleContext
    profile: MeasureProfile
    known: KnownFlags
    safer: Callable[[Tuning, Literal["oom", "black"]], Tuning | None]


def next_candidate(trial: Trial, done: Sequence[Measurement]) -> Candidate | None:
    """What to measure next, None when nothing is left.

    First the recommended flags; while they run out of memory or give a black image, one step safer. Then other
    ways to do the same, and with the best of those, saving one step less and one step more memory.
    """
    if not done:
        return Candidate(name="rule", title=Text("recommended flags"), flags=trial.tuning.flags)
    if not any(one.good for one in done):
        return _rescue(trial, done)
    tried = {_key(one.candidate.flags) for one in done}
    for candidate in (*_alternatives(trial, done), *_tiers(trial, done)):
        if _key(candidate.flags) not in tried:
            return candidate
    return None


def expected(trial: Trial, done: Sequence[Measurement]) -> int:
    """How many candidates are still to come, as far as can be told now."""
    if not done:
        return 1 + len(_alternatives(trial, done)) + 2 * bool(_ladder(trial))
    if not any(one.good for one in done):
        return 1
    tried = {_key(one.candidate.flags) for one in done}
    coming = (*_alternatives(trial, done), *_tiers(trial, done))
    return len({_key(candidate.flags) for candidate in coming} - tried)


def seconds_left(trial: Trial, done: Sequence[Measurement], *, into_this: float = 0.0) -> float:
    """An estimate for all that is to come, `into_this` seconds after the present candidate began."""
    took = [one.seconds for one in done if one.seconds is not None]
    each = statistics.mean(took) if took else trial.profile.guess_seconds
    return max(0.0, expected(trial, done) * each - into_this)


def with_flags(tuning: Tuning, decides: str, flags: Sequence[str], known: KnownFlags) -> tuple[str, ...]:
    """The flags with those of one decision replaced; they stand where the old ones stood."""
    old = {reason.setting for reason in tuning.reasons if reason.decides == decides}
    gone = {flag for flag in tuning.flags if flag in old or any(known.exclude(flag, new) for new in flags)}
    places = [n for n, flag in enumerate(tuning.flags) if flag in gone]
    at = places[0] if places else len(tuning.flags)
    kept_before = [flag for flag in tuning.flags[:at] if flag not in gone]
    kept_after = [flag for flag in tuning.flags[at:] if flag not in gone]
    fresh = [flag for flag in flags if flag not in kept_before and flag not in kept_after]
    return (*kept_before, *fresh, *kept_after)


def _rescue(trial: Trial, done: Sequence[Measurement]) -> Candidate | None:
    """One step safer than what failed last; nothing when it failed for another reason."""
    last = done[-1]
    causes: dict[str, Literal["oom", "black"]] = {"out-of-memory": "oom", "black": "black"}
    cause = causes.get(last.outcome)
    if cause is None:
        return None
    tuning = trial.safer(_as_tuning(trial.tuning, last.candidate.flags), cause)
    if tuning is None or _key(tuning.flags) in {_key(one.candidate.flags) for one in done}:
        return None
    name = f"safer-{len(done)}"
    return Candidate(
        name=name,
        title=Text.plural("{count} step safer", "{count} steps safer", count=len(done)),
        flags=tuning.flags,
    )


def _alternatives(trial: Trial, done: Sequence[Measurement]) -> list[Candidate]:
    """Other ways to do one thing, with everything else as in the first candidate that worked."""
    base = _as_tuning(trial.tuning, _first_good(trial, done))
    return [
        Candidate(
            name=one.name,
            title=Text(one.title),
            flags=with_flags(base, one.decides, one.flags, trial.known),
        )
        for one in trial.profile.alternatives
        if one.when.holds(trial.case.values) and _worth_it(one, base, done)
    ]


def _worth_it(alternative: Alternative, base: Tuning, done: Sequence[Measurement]) -> bool:
    """Not what the rules chose already, and not less precise than what a black image required."""
    if not alternative.flags:
        return any(
            reason.decides == alternative.decides for reason in base.reasons if reason.setting in base.flags
        )
    rescued = any(one.outcome == "black" for one in done)
    return set(alternative.flags) - set(base.flags) != set() and not (
        rescued and alternative.decides == "precision"
    )


def _tiers(trial: Trial, done: Sequence[Measurement]) -> list[Candidate]:
    """Saving one step less and one step more memory, with the fastest way found so far."""
    ladder = _ladder(trial)
    best = fastest(done)
    if not ladder or best is None:
        return []
    base = _as_tuning(trial.tuning, _untiered_best(trial, done))
    now = next((n for n, rung in enumerate(ladder) if set(rung) & set(base.flags)), 0)
    ran_out = {_key(one.candidate.flags) for one in done if one.outcome == "out-of-memory"}
    found = []
    for name, title, n in (
        ("faster", Text("saves less memory"), now - 1),
        ("safer", Text("saves more memory"), now + 1),
    ):
        if 0 <= n < len(ladder):
            flags = _with_memory(base, ladder[n][0] if ladder[n] else "", trial)
            if _key(flags) not in ran_out:
                found.append(Candidate(name=name, title=title, flags=flags))
    return found


def _with_memory(base: Tuning, flag: str, trial: Trial) -> tuple[str, ...]:
    names = {one for ladder in trial.profile.memory.values() for rung in ladder for one in rung}
    bare = [one for one in base.flags if one not in names and not (flag and trial.known.exclude(one, flag))]
    at = next((n for n, one in enumerate(base.flags) if one in names), len(bare))
    return (*bare[:at], *([flag] if flag else []), *bare[at:])


def _ladder(trial: Trial) -> tuple[tuple[str, ...], ...]:
    if trial.tuning.device not in trial.profile.memory_devices:
        return ()
    return trial.profile.memory[trial.tuning.model_class]


def fastest(done: Sequence[Measurement]) -> Measurement | None:
    """The fastest that worked, whether it fits with a margin or not."""
    good = [one for one in done if one.speed is not None]
    return min(good, key=lambda one: one.speed or 0.0, default=None)


def _untiered_best(trial: Trial, done: Sequence[Measurement]) -> tuple[str, ...]:
    """The fastest of the candidates that differ from the first good one in anything but saved memory."""
    best = fastest([one for one in done if one.candidate.name not in ("faster", "safer")])
    return best.candidate.flags if best is not None else _first_good(trial, done)


def _first_good(trial: Trial, done: Sequence[Measurement]) -> tuple[str, ...]:
    return next((one.candidate.flags for one in done if one.good), trial.tuning.flags)


def _as_tuning(tuning: Tuning, flags: tuple[str, ...]) -> Tuning:
    return replace(tuning, flags=flags)


def _key(flags: Sequence[str]) -> frozenset[str]:
    return frozenset(flags)


def step_down(tuning: Tuning, cause: Cause, book: FailureBook) -> Tuning | None:
    """The tuning with the next rung of the ladder of memory or precision; None at its end.

    The ladders are the ones that the test image uses, so that use and installation teach the same lesson.
    """
    attempt = Attempt(
        flags=tuning.flags,
        outcome="out-of-memory" if cause == "oom" else "black",
        model_class="sdxl" if tuning.model_class == "sdxl" else "sd15",
    )
    change = next_change((attempt,), book)
    if change is None:
        return None
    flags = changed_flags(tuning.flags, change.rung)
    kept = tuple(
        reason for reason in tuning.reasons if reason.setting in flags or not reason.setting.startswith("--")
    )
    return replace(tuning, flags=flags, reasons=(*kept, _reason(cause, change)))


def _reason(cause: Cause, change: FlagChange) -> Reason:
    because = {
        "oom": Text("Without {flag}, this card ran out of video memory", flag=change.rung.flag),
        "black": Text("Without {flag}, the image was black", flag=change.rung.flag),
    }[cause]
    return Reason(
        setting=change.rung.flag, rule=f"step-down/{cause}", because=because, source=change.ladder.source
    )
