"""The proofs, and what they teach: another torch build, other flags. Ties the proving modules to the plan's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdsetup.decide.launcher import FILE_NAMES, read
from sdsetup.decide.learned import Lesson
from sdsetup.decide.plan import BuildEnvironment, ProvePicture, ProveTorch, Step, WriteLauncher
from sdsetup.execute import environment, launch_file, torch_proof
from sdsetup.execute.context import Context
from sdsetup.execute.outcome import Outcome
from sdsetup.text import Text
