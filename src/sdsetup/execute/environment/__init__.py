"""The Python environment of the web UI: one resolution, staged, compiled, moved into place whole."""

from sdsetup.execute.environment.building import build

__all__ = ["build"]
