"""An AUTOMATIC1111 checkout in the target folder: commit, changes, models, environment, launch files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sdsetup.decide import fingerprint
from sdsetup.decide.facts import Installation
from sdsetup.decide.folders import environment_python
from sdsetup.machine import Completed, Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.folder import state_of
from sdsetup.probe.git import places
from sdsetup.probe.present import damaged_files
from sdsetup.storage import parse_own

_MODELS = (".safetensors", ".ckpt")
_LAUNCH_FILES = ("webui-user.bat", "webui-user.sh")
_LIMIT = 5.0


def ask(asked: Asked) -> dict[str, Any]:
    machine, folder = asked.machine, asked.folder
    state, _ = state_of(machine, folder)
    recorded = parse_recorded(machine.read_text(folder / ".sdsetup" / "machine.json"))
    if state != "webui":
        return {"installation": None, "recorded": recorded}
    commit, branch = head(machine, folder)
    changes = _status(machine, folder)
    version, broken = _environment(machine, folder)
    unknown = {} if changes.ok else {"installation.changes": _why_no_status(changes)}
    models = machine.glob(folder / "models" / "Stable-diffusion", "**/*")
    found = Installation(
        commit=commit,
        branch=branch,
        changed_files=parse_status(changes.out) if changes.ok else (),
        models=tuple(path.name for path in models if path.suffix.lower() in _MODELS),
        environment_python=version,
        environment_broken=broken,
        torch=torch_version(machine, folder),
        launch_files=tuple(name for name in _LAUNCH_FILES if machine.exists(folder / name)),
        damaged_files=damaged_files(folder),
    )
    return {"installation": found, "recorded": recorded, "unknown": unknown}


def head(machine: Machine, folder: Path) -> tuple[str | None, str | None]:
    """Commit and branch, read from the files: needs no git and changes nothing."""
    git = folder / ".git"
    # In a linked worktree or a submodule .git is a file that names the real folder.
    if (link := re.match(r"gitdir: (.+)", machine.read_text(git, 4096) or "")) is not None:
        git = folder / link[1].strip()
    text = (machine.read_text(git / "HEAD", 4096) or "").strip()
    if not text.startswith("ref: "):
        return parse_commit(text), None
    ref = text[5:].strip()
    # A linked worktree has a HEAD of its own, and its branches where the main one has them.
    common = git / (machine.read_text(git / "commondir", 4096) or ".").strip()
    loose = machine.read_text(common / ref, 4096) if ".." not in ref else None
    commit = parse_commit(loose or "") or parse_packed_refs(machine.read_text(common / "packed-refs") or "", ref)
    return commit, ref.removeprefix("refs/heads/") or None


def parse_commit(text: str) -> str | None:
    match = re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", text.strip())
    return match[0] if match else None


def parse_packed_refs(text: str, ref: str) -> str | None:
    for line in text.splitlines():
        commit, _, name = line.partition(" ")
        if name.strip() == ref:
            return parse_commit(commit)
    return None


def parse_status(text: str) -> tuple[str, ...]:
    """File names of `git status --porcelain -z`: two letters, a name; behind a renamed file its old one."""
    names = []
    parts = iter(text.split("\0"))
    for part in parts:
        if len(part) > 3 and part[2] == " ":
            names.append(part[3:])
            if part[0] in "RC":
                next(parts, None)
    return tuple(names)


def parse_recorded(text: str | None) -> fingerprint.Fingerprint | None:
    """What the installation was made for; None where that is not recorded, or the record is damaged."""
    content = (text or "").encode("utf-8", "surrogatepass")
    return fingerprint.from_json(parse_own(content, fingerprint.FILE).value)


def torch_version(machine: Machine, folder: Path) -> str | None:
    """The torch in D/venv by the name of its metadata folder: importing it takes seconds and proves little."""
    for pattern in ("lib/python3*/site-packages/torch-*.dist-info", "Lib/site-packages/torch-*.dist-info"):
        for found in machine.glob(folder / "venv", pattern):
            return found.name.removeprefix("torch-").removesuffix(".dist-info")
    return None


def _status(machine: Machine, folder: Path) -> Completed:
    found = places(machine)
    if not found:
        return Completed(rc=None, problem="missing")
    # No lock files, and no program that the folder's own settings name.
    argv = [found[0], "-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--untracked-files=no"]
    env = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return machine.run(argv, timeout=_LIMIT, cwd=folder, env=env)


def _why_no_status(ended: Completed) -> str:
    if "dubious ownership" in ended.err or "does not record ownership" in ended.err:
        return "dubious ownership"
    return ended.problem or (ended.err.strip().splitlines() or [f"git ended with {ended.rc}"])[0][:200]


def _environment(machine: Machine, folder: Path) -> tuple[tuple[int, int, int] | None, str | None]:
    """The version of D/venv's Python when it starts, else why it does not; both None without an environment."""
    python = environment_python(folder, machine.family)
    if machine.kind(folder / "venv") != "folder":
        return None, None
    ended = machine.run(
        [str(python), "-I", "-S", "-c", "import sys; print(*sys.version_info[:3])"], timeout=_LIMIT
    )
    version = parse_version(ended.out) if ended.ok else None
    if version is not None:
        return version, None
    said = ended.err.strip().splitlines()
    why = {"missing": "its Python is gone", "timeout": f"its Python did not start within {_LIMIT:g} s"}
    return None, why.get(ended.problem or "") or (said[0][:200] if said else f"its Python ended with {ended.rc}")


def parse_version(text: str) -> tuple[int, int, int] | None:
    match = re.match(r"(\d{1,4}) (\d{1,4}) (\d{1,4})\s*$", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None
