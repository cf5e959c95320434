"""Measuring on the card itself: the web UI with each candidate, the same pictures, what is kept between runs.

    done = measure(trial, bench)          # every candidate in its turn; remembers after each
    verdict = choose(done, trial.profile)

The launch file is only read: each candidate starts with its own flags.
"""

from sdsetup.execute.measuring.peaks import Gauge, Peaks
from sdsetup.execute.measuring.remembered import remember, remembered
from sdsetup.execute.measuring.run import Bench, Told, measure

__all__ = ["Bench", "Gauge", "Peaks", "Told", "measure", "remember", "remembered"]
