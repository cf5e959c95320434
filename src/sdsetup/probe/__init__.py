"""LOOK: asks the machine and changes nothing. A probe is a command and a parser; its failure is an unknown."""

from __future__ import annotations

from sdsetup.probe.folder import default_folder
from sdsetup.probe.gathering import SUBJECTS, gather

__all__ = ["SUBJECTS", "default_folder", "gather"]
