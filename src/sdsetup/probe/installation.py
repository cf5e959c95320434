"""An AUTOMATIC1111 checkout in the target folder: commit, owner, models, environment, launch files.

Everything is read from files. What only a program of the folder could tell (are there local changes? does the
environment start?) is asked after consent, by the steps that it matters to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdsetup.machine import Machine
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.probe.asked import Asked
from sdsetup.probe.contents import damaged_files
from sdsetup.probe.environment import read_environment, torch_version
from sdsetup.probe.folder import state_of
from sdsetup.probe.repository import Repository, read_repository
from sdsetup.storage import parse_own
from sdsetup.values import install_record
from sdsetup.values.facts import Installation
from sdsetup.values.layout import state_folder

_MODELS = (".safetensors", ".ckpt")
_LAUNCH_FILES = ("webui-user.bat", "webui-user.sh")


def ask(asked: Asked) -> dict[str, Any]:
    machine, folder = asked.machine, asked.folder
    state, _ = state_of(machine, folder)
    recorded = parse_recorded(machine.read_text(state_folder(folder) / "machine.json"))
    if state != "webui":
        return {"installation": None, "recorded": recorded}
    repository = read_repository(machine, folder) or Repository()
    venv = environment_in_use(machine, folder)
    version, broken = read_environment(machine, venv)
    models = machine.glob(folder / "models" / "Stable-diffusion", "**/*")
    found = Installation(
        commit=repository.commit,
        branch=repository.branch,
        foreign_owner=_foreign_owner(machine, folder),
        models=tuple(path.name for path in models if path.suffix.lower() in _MODELS),
        environment_python=version,
        environment_broken=broken,
        torch=torch_version(machine, venv),
        launch_files=tuple(name for name in _LAUNCH_FILES if machine.exists(folder / name)),
        damaged_files=damaged_files(folder),
    )
    return {"installation": found, "recorded": recorded}


def _foreign_owner(machine: Machine, folder: Path) -> bool | None:
    """Whether git would refuse to work here for the owner of the folder or of its repository."""
    answers = [machine.foreign_owner(path) for path in (folder, folder / ".git")]
    return True if True in answers else None if None in answers else False


def parse_recorded(text: str | None) -> install_record.InstallRecord | None:
    """What the installation was made for; None where that is not recorded, or the record is damaged."""
    content = (text or "").encode("utf-8", "surrogatepass")
    return install_record.from_json(parse_own(content, install_record.FILE).value)
