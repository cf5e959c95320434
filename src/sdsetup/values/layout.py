"""Where things are in an installation: the web UI's own files, the interpreter of an environment, our folder."""

from __future__ import annotations

from pathlib import Path

from sdsetup.values.facts import Family

# The web UI needs these to start or to be installed; two of the first three tell it from other folders.
WEBUI_MARKS = ("webui.py", "launch.py", "modules")
WEBUI_NEEDS = (*WEBUI_MARKS, "requirements_versions.txt")

# Ours: journal, record, logs, proofs, what was set aside.
STATE_FOLDER = ".sdsetup"
STAGE_FOLDER = "update"  # in our folder: another version of the web UI while it is made and proved
PRACTICE_MARK = "rehearsal.json"  # in our folder: the installation is of a practice run's stand-ins
ENVIRONMENT_MARK = ".sdsetup-environment.json"  # in an environment of ours: what it was locked to


def state_folder(installation: Path) -> Path:
    """Where our own folder is, or will be."""
    return installation / STATE_FOLDER


def python_in(venv: Path, family: Family) -> Path:
    """The interpreter of an environment, wherever that lies."""
    return venv / ("Scripts/python.exe" if family == "windows" else "bin/python")
