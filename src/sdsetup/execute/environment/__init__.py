"""The Python environment of the web UI: one resolution, staged, compiled, moved into place whole."""

from sdsetup.execute.environment.building import build
from sdsetup.execute.environment.places import swap_back

__all__ = ["build", "swap_back"]
