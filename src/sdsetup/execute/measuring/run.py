"""Every candidate in its turn, until there is none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from sdsetup.decide.tuning.measuring import Measurement, Trial, fastest, next_candidate
from sdsetup.execute.measuring.bench import Bench
from sdsetup.execute.measuring.candidate import run_candidate
from sdsetup.execute.measuring.remembered import remember, remembered
from sdsetup.execute.webui.painting import Patience

_log = logging.getLogger("sdsetup.measuring")

# Once one has worked: what takes so many times longer will not win, and a start that hangs is not waited for.
_TIMES = 10
_AT_LEAST = 120.0  # seconds


def measure(trial: Trial, bench: Bench) -> tuple[Measurement, ...]:
    """What every candidate did, those included that were measured before under the same key.

    It is remembered after each, so what is stopped at any moment goes on from there.

    Raises:
        SdsetupError: the web UI cannot be started at all: `webui-missing`, `environment-missing`,
            `webui-not-startable`; the launch file cannot be understood.
    """
    done = list(remembered(bench.context.state, bench.key))
    while (candidate := next_candidate(trial, done)) is not None:
        bench.told.began(candidate, done)
        _log.info("measuring %s: %s", candidate.name, candidate.flags)
        measurement = run_candidate(candidate, replace(bench, patience=patience_after(done, bench)))
        _log.info("measured: %s", measurement)
        done.append(measurement)
        remember(bench.context.state, bench.key, done)
        bench.told.ended(measurement)
    return tuple(done)


def patience_after(done: Sequence[Measurement], bench: Bench) -> Patience:
    """How long the next one may take: much less once it is known what is possible here."""
    best = fastest(done)
    if best is None or best.speed is None or best.seconds is None:
        return bench.patience
    given = bench.patience
    start = max(_AT_LEAST, _TIMES * best.seconds)
    picture = max(_AT_LEAST, _TIMES * best.speed * bench.pictures.steps)
    return Patience(
        start=min(given.start, start),
        model=min(given.model, start),
        unannounced=given.unannounced,
        picture=min(given.picture, picture),
    )
