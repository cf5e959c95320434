"""Makes the stand-ins of a practice run: small git repositories, a small model, wheels of a few lines.

The same inputs give the same commits and bytes on every machine, so a second run finds the first
one's work as finished as a real second run would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.machine.git_calls import NO_PROGRAMS
from sdsetup.text import Text

_COMMIT = re.compile(rb"[0-9a-f]{40}")
MODEL_BYTES = 24 * 2**20
_SECONDS = 1767225600  # 2026-01-01, so that every machine makes the same commits
_EPOCH = (2026, 1, 1, 0, 0, 0)


def webui_files() -> dict[str, bytes]:
    """The stand-in web UI: our own launch.py, and files of the names that the real one has."""
    launch = (Path(__file__).parent / "webui" / "launch.py").read_bytes().replace(b"\r\n", b"\n")
    bat = b'@echo off\r\nset PYTHON=%~dp0venv\\Scripts\\python.exe\r\n"%PYTHON%" launch.py %*\r\npause\r\n'
    shell = b'#!/usr/bin/env bash\ncd "$(dirname "$0")"\n. ./webui-user.sh\nexec venv/bin/python launch.py "$@"\n'
    user_bat = b"@echo off\n\nset PYTHON=\nset GIT=\nset VENV_DIR=\nset COMMANDLINE_ARGS=\n\ncall webui.bat\n"
    user_sh = b'#!/bin/bash\n# Settings for webui.sh\n#export COMMANDLINE_ARGS=""\n'
    return {
        "launch.py": launch,
        "webui.py": b'"""Stand-in: these names tell an installation from any other repository."""\n',
        "webui.bat": bat,
        "webui.sh": shell,
        "webui-user.bat": user_bat,
        "webui-user.sh": user_sh,
        "modules/launch_utils.py": b'"""Stand-in of a practice run."""\n',
        "requirements_versions.txt": b"standin-gradio==3.41.2\nstandin-transformers==4.30.2\ntorch\n",
        ".gitignore": b"__pycache__\n/venv\n/models\n/repositories\n/tmp\n/config.json\n/outputs\n",
        "README.md": b"# Rehearsal\n\nThis is not the web UI: it was made by a practice run of sdsetup.\n",
    }


def make_repository(folder: Path, files: Mapping[str, bytes], *, tag: str, git: str) -> str:
    """A bare repository with one commit on `master` and a tag; returns the commit id.

    Raises:
        SdsetupError: `rehearsal-git` with what git said.
    """
    commit_file = folder.with_suffix(".commit")
    if commit_file.is_file() and (folder / "HEAD").is_file():
        made = commit_file.read_bytes()
        if _COMMIT.fullmatch(made):  # a run that was cut off may have left it empty
            return made.decode("ascii")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    who = f"sdsetup <rehearsal@localhost> {_SECONDS} +0000"
    stream = [f"commit refs/heads/master\ncommitter {who}\ndata 9\nRehearsal\n".encode()]
    for name, content in sorted(files.items()):
        mode = "100755" if name.endswith(".sh") else "100644"
        stream.append(f"M {mode} inline {name}\ndata {len(content)}\n".encode() + content + b"\n")
    stream.append(f"reset refs/tags/{tag}\nfrom refs/heads/master\n".encode())
    _git(git, ["init", "--bare", "--quiet", "--initial-branch=master", str(folder)], folder.parent)
    _git(git, ["config", "uploadpack.allowAnySHA1InWant", "true"], folder)
    _git(git, ["fast-import", "--quiet"], folder, given=b"".join(stream))
    commit = _git(git, ["rev-parse", "master"], folder).decode().strip()
    commit_file.write_text(commit, encoding="ascii")
    return commit


def _git(git: str, arguments: list[str], folder: Path, given: bytes = b"") -> bytes:
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        [git, *NO_PROGRAMS, *arguments], cwd=folder, input=given, capture_output=True, env=env, check=False
    )
    if done.returncode:
        raise SdsetupError(
            Text("Git could not create the repository for the practice run"),
            where=folder,
            why=done.stderr.decode(errors="replace").strip()[-300:],
            hint=Text("Check that Git works (git --version), then run the same command again."),
            code="rehearsal-git",
        )
    return done.stdout


def make_model(path: Path, size: int = MODEL_BYTES) -> str:
    """A well-formed safetensors file of `size` bytes, the same every time; returns its SHA-256."""
    body = size - 8 - 256
    header = json.dumps({"rehearsal": {"dtype": "U8", "shape": [body], "data_offsets": [0, body]}}).ljust(256)
    if not path.is_file() or path.stat().st_size != size:
        dice = random.Random(15)  # noqa: S311 - filler, the same on every machine
        block = dice.randbytes(2**20)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(struct.pack("<Q", 256) + header.encode())
            for start in range(0, body, len(block)):
                file.write(block[: body - start])
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def make_wheel(folder: Path, name: str, version: str, modules: Mapping[str, str]) -> Path:
    """A pure wheel whose modules are given as text, byte for byte the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    escaped = re.sub(r"[-_.]+", "_", name)
    path = folder / f"{escaped}-{version}-py3-none-any.whl"
    info = f"{escaped}-{version}.dist-info"
    files = dict(modules)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: sdsetup-rehearsal\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = [
        f"{file},sha256={_urlsafe(hashlib.sha256(text.encode()).digest())},{len(text.encode())}"
        for file, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file, text in files.items():
            wheel.writestr(zipfile.ZipInfo(file, date_time=_EPOCH), text)
    return path


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
