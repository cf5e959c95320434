"""Whether settings fit the existing Python environment: flags for a card do nothing for a CPU build of PyTorch."""

from __future__ import annotations

from sdsetup.text import Text
from sdsetup.values.tuning import Tuning, Warning


def misfit(tuning: Tuning, installed: str | None, *, fix: Text) -> Warning | None:
    """A warning when the environment's torch ("2.1.2+cpu") is not the one that these settings are for.

    `fix`: what makes both fit. A build without a tag after the plus sign says nothing about its device.
    """
    wanted = tuning.torch.torch if tuning.torch else None
    if installed is None or wanted is None or _same(installed, wanted):
        return None
    return Warning(
        topic="environment",
        text=Text(
            "These settings are for PyTorch {wanted}, but the Python environment has PyTorch {there}. {fix}",
            wanted=wanted,
            there=installed,
            fix=fix,
        ),
    )


def _same(one: str, other: str) -> bool:
    (version, _, tag), (other_version, _, other_tag) = one.partition("+"), other.partition("+")
    return version == other_version and (tag == other_tag or not tag or not other_tag)
