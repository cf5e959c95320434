"""A web UI's folder in which everything that can be executed leaves a witness behind.

    trapped = set_traps(tmp_path / "D", tmp_path / "witnesses")
    ... run a command on trapped ...
    assert not sprung(tmp_path / "witnesses")

Each trap writes a file named after itself, so a failing test says which one was stepped on.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
HOOKS = [
    *("applypatch-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change", "post-merge"),
    *("post-rewrite", "pre-auto-gc", "pre-commit", "pre-push", "pre-rebase", "reference-transaction", "update"),
]
# Programs that a look at the machine asks by name: planted ones must not answer in their place.
PROGRAMS = [
    *("git", "python", "python3", "python3.10", "python3.11", "py", "uv", "pip", "conda", "bash", "sh", "env"),
    *("nvidia-smi", "rocminfo", "lspci", "ldconfig", "ss", "lsof", "mount", "sysctl", "sw_vers", "netstat"),
]
# Settings of a repository that name a program.
SETTINGS = [
    *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy"),
    *("credential.helper", "diff.external", "diff.trap.command", "diff.trap.textconv", "filter.trap.clean"),
    *("filter.trap.smudge", "filter.trap.process", "gpg.program", "gpg.ssh.program", "interactive.diffFilter"),
    *("merge.trap.driver", "pager.status", "pager.ls-remote", "remote.origin.uploadpack", "remote.origin.vcs"),
    *("sequence.editor", "uploadpack.packObjectsHook", "alias.rev-parse", "alias.status", "alias.version"),
]


class _Runs:
    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self._command,)


def set_traps(folder: Path, witnesses: Path) -> Path:
    """Fill `folder`; what is executed of it writes into `witnesses`."""
    witnesses.mkdir(parents=True, exist_ok=True)
    traps = _Traps(witnesses)
    (folder / "modules").mkdir(parents=True)
    for name in ("launch.py", "webui.py", "modules/timer.py", "modules/__init__.py"):
        (folder / name).write_text(traps.python(name))
    for name in ("sitecustomize.py", "usercustomize.py", "typer.py", "rich.py", "numpy.py", "torch.py", "json.py"):
        (folder / name).write_text(traps.python(name))
    for name in ("webui.sh", "webui.bat", "webui-macos-env.sh"):
        _program(folder / name, traps.shell(name))
    (folder / "webui-user.sh").write_text(
        f"export COMMANDLINE_ARGS='--lowvram'\nexport python_cmd={folder}/venv/bin/python\n"
    )
    (folder / "webui-user.bat").write_bytes(
        b"@echo off\r\nset PYTHON=venv\\Scripts\\python.exe\r\ncall webui.bat\r\n"
    )
    for place in (folder, folder / "venv" / "bin", folder / "venv" / "Scripts"):
        for name in PROGRAMS:
            _program(place / name, traps.shell(f"{place.name}-{name}"))
    _environment(folder, traps)
    _repository(folder, traps)
    _repository(folder / "repositories" / "BLIP", traps)
    _models(folder, traps)
    return folder


def sprung(witnesses: Path) -> list[str]:
    """The traps that were stepped on."""
    return sorted(path.name for path in witnesses.iterdir())


class _Traps:
    def __init__(self, witnesses: Path) -> None:
        self._witnesses = witnesses

    def witness(self, name: str) -> str:
        return str(self._witnesses / name.replace("/", "_"))

    def shell(self, name: str) -> str:
        return f"#!/bin/sh\n: > '{self.witness(name)}'\n"

    def command(self, name: str) -> str:
        return f": > '{self.witness(name)}'; cat"

    def python(self, name: str) -> str:
        return f"open({self.witness(name)!r}, 'w').close()\n"


def _environment(folder: Path, traps: _Traps) -> None:
    base = folder / "base"
    for name in ("python", "python3", "python.exe"):
        _program(base / name, traps.shell(f"base-{name}"))
    (folder / "venv" / "pyvenv.cfg").write_text(f"home = {base}\nversion = 3.10.6\n")
    packages = folder / "venv" / "lib" / "python3.10" / "site-packages"
    (packages / "torch-2.1.2+cu121.dist-info").mkdir(parents=True)
    (packages / "torch-2.1.2+cu121.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.1.2+cu121\n")
    (packages / "trap.pth").write_text("import " + traps.python("pth").replace("\n", ""))
    for name in ("sitecustomize.py", "torch.py"):
        (packages / name).write_text(traps.python(f"packages-{name}"))


def _repository(folder: Path, traps: _Traps) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitattributes").write_text("* filter=trap diff=trap merge=trap\n")
    (folder / "tracked.txt").write_text("one\n")
    _git(folder, "init", "--quiet", "--initial-branch=master")
    _git(folder, "remote", "add", "origin", "https://example.invalid/webui.git")
    _git(folder, "add", "tracked.txt", ".gitattributes")
    _git(folder, "commit", "--quiet", "-m", "one")
    for name in HOOKS:
        _program(folder / ".git" / "hooks" / name, traps.shell(f"hook-{name}"))
    for setting in SETTINGS:
        program = "!" * setting.startswith(("alias.", "credential.")) + traps.command(setting)
        _git(folder, "config", setting, program)
    # Other content of the same size at another time: git would have to filter the file to know.
    (folder / "tracked.txt").write_text("two\n")
    os.utime(folder / "tracked.txt", (1, 1))


def _models(folder: Path, traps: _Traps) -> None:
    models = folder / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    for protocol in (0, 2, 4):
        (models / f"evil-{protocol}.ckpt").write_bytes(
            pickle.dumps(_Runs(traps.command(f"pickle-{protocol}")), protocol=protocol)
        )
    with zipfile.ZipFile(models / "evil-zip.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_Runs(traps.command("pickle-zip")), protocol=2))
        archive.writestr("archive/array.npy", b"\x93NUMPY\x01\x00")


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, env={**os.environ, **GIT})


def run_sdsetup(words: Iterable[str], *, script: Path, cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
    """A real run of the program as its installed script starts it; code, standard output, standard error."""
    source = Path(__file__).parents[1] / "src"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(source)!r})\nfrom sdsetup.__main__ import main\nsys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), *words],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr
