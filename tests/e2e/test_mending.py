"""A practice installation fails in one way after another; `sdsetup fix` reads why, mends it, and it starts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Rehearsal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.name == "nt", reason="paths of an environment on Linux and macOS"),
]

PATIENCE = 200.0  # seconds
READY = "Ctrl-C here"

# What the practice web UI does not need and the real one does: an extension asks for it and ends the start.
NEEDS = """\
import os, sys
from importlib.metadata import PackageNotFoundError, version
said = None
if not version("standin-transformers").startswith("4.30."):
    said = "ImportError: tokenizers>=0.22.0,<=0.23.0 is required for a normal functioning of this module"
try:
    version("clip-anytorch")
except PackageNotFoundError:
    said = "ModuleNotFoundError: No module named 'clip'"
if said is not None:
    print("Traceback (most recent call last):", said, sep=os.linesep, flush=True)
    os._exit(1)
"""


def packages(folder: Path) -> Path:
    return next((folder / "venv").glob("lib/python3.*/site-packages"))


def without_package(folder: Path) -> None:
    for path in packages(folder).glob("clip_anytorch*"):
        shutil.rmtree(path)


def of_another_version(folder: Path) -> None:
    info = next(packages(folder).glob("standin_transformers-*.dist-info"))
    metadata = (info / "METADATA").read_text()
    (info / "METADATA").unlink()  # it may be a link into the package cache
    (info / "METADATA").write_text(metadata.replace("Version: 4.30.2", "Version: 5.1.0"))
    info.rename(info.with_name("standin_transformers-5.1.0.dist-info"))


def untracked_in_the_way(folder: Path) -> None:
    """What git refuses to overwrite: files of the wanted commit that the present one does not know."""
    repository = folder / "repositories" / "generative-models"
    for words in (
        ("checkout", "--quiet", "--orphan", "other"),
        ("rm", "--quiet", "-r", "--cached", "."),
        ("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--allow-empty", "-m", "x"),
    ):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    (repository / "README.md").write_text("mine\n")


def said_by_git(folder: Path, *words: str) -> str:
    asked = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def another_commit(folder: Path) -> None:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    said_by_git(folder, *names, "commit", "--quiet", "--allow-empty", "-m", "another")


def of_another_build(folder: Path) -> None:
    info = next(packages(folder).glob("torch-*.dist-info"))
    info.rename(info.with_name("torch-9.9.9+cu999.dist-info"))


def without_tokenizer(folder: Path) -> None:
    shutil.rmtree(folder / "openai")


def damaged_objects(folder: Path) -> None:
    objects = folder / "repositories" / "BLIP" / ".git" / "objects"
    for path in objects.rglob("*"):
        if path.is_file() and path.parent.name != "info":
            path.chmod(0o644)
            path.write_bytes(b"")


def half_cloned(folder: Path) -> None:
    shutil.rmtree(folder / "repositories" / "k-diffusion")
    subprocess.run(["git", "init", "--quiet", str(folder / "repositories" / "k-diffusion")], check=True)


def moved(folder: Path) -> None:
    shutil.rmtree(folder / "venv" / "bin")


def cut_file(folder: Path) -> None:
    path = packages(folder) / "torch" / "__init__.py"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:20])


def whole(folder: Path, name: str) -> bool:
    repository = folder / "repositories" / name
    asked = subprocess.run(["git", "-C", str(repository), "fsck"], capture_output=True, check=False)
    status = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0 and (repository / "README.md").is_file() and not status.stdout


def torch_is_whole(folder: Path) -> bool:
    return len((packages(folder) / "torch" / "__init__.py").read_bytes()) > 20


# What is broken; the log's words where the practice web UI itself does not stop at it; whether it is mended.
BREAKS: dict[str, tuple[Callable[[Path], object], str | None, Callable[[Path], bool]]] = {
    "restore-packages: one is missing": (
        without_package,
        None,
        lambda folder: any(packages(folder).glob("clip_anytorch-*.dist-info")),
    ),
    "restore-packages: one was replaced": (
        of_another_version,
        None,
        lambda folder: any(packages(folder).glob("standin_transformers-4.30.2.dist-info")),
    ),
    "rebuild-environment: it lost its Python": (
        moved,
        "No Python at '/usr/bin/python3.10'",
        lambda folder: (folder / "venv" / "bin" / "python").exists(),
    ),
    "rebuild-environment: a file was cut": (
        cut_file,
        "SyntaxError: source code string cannot contain null bytes",
        torch_is_whole,
    ),
    "install: files in git's way": (
        untracked_in_the_way,
        "error: The following untracked working tree files would be overwritten by checkout:\n\tREADME.md",
        lambda folder: whole(folder, "generative-models"),
    ),
    "clone-again: git's objects are damaged": (
        damaged_objects,
        "error: object file .git/objects/3a/1c is empty\nfatal: loose object 3a1c is corrupt",
        lambda folder: whole(folder, "BLIP"),
    ),
    "install: half cloned": (
        half_cloned,
        "RuntimeError: Couldn't determine K-diffusion's hash: ab527a9a.",
        lambda folder: whole(folder, "k-diffusion"),
    ),
    "install: the web UI's own file is gone": (
        lambda folder: (folder / "webui.py").unlink(),
        "python: can't open file '/sd/webui.py': [Errno 2] No such file or directory",
        lambda folder: (folder / "webui.py").is_file(),
    ),
    "install: its very first file is gone": (
        lambda folder: (folder / "launch.py").unlink(),
        "python: can't open file '/sd/launch.py': [Errno 2] No such file or directory",
        lambda folder: (folder / "launch.py").is_file(),
    ),
    "install: an older web UI": (
        another_commit,
        "stderr: WARNING: Ignoring version 1.7.6 of pytorch_lightning since it has invalid metadata:",
        lambda folder: said_by_git(folder, "log", "--format=%s", "-1") != "another",
    ),
    "install: PyTorch of another build": (
        of_another_build,
        "AssertionError: Torch not compiled with CUDA enabled",
        lambda folder: any(packages(folder).glob("torch-2.*.dist-info")),
    ),
    "install: the tokenizer is gone": (
        without_tokenizer,
        "OSError: Can't load tokenizer for 'openai/clip-vit-large-patch14'.",
        lambda folder: any(folder.glob("openai/*/vocab.json")),
    ),
    "fetch-model: no model": (
        lambda folder: (folder / "models" / "Stable-diffusion" / "model.safetensors").unlink(),
        "No checkpoints found. When searching for checkpoints, looked at:",
        lambda folder: (folder / "models" / "Stable-diffusion" / "model.safetensors").is_file(),
    ),
}  # fmt: skip


def fixed(rehearsal: Rehearsal) -> str:
    """`sdsetup fix --rehearse --yes` until the web UI runs, then Ctrl-C; what was said."""
    said = rehearsal.home / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sdsetup", "fix", "--rehearse", "--yes"],
            env=rehearsal.env,
            cwd=rehearsal.home,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while READY not in said.read_text(errors="replace"):
                assert process.poll() is None and time.monotonic() < deadline, said.read_text(errors="replace")
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    return said.read_text(errors="replace")


def logged(rehearsal: Rehearsal, text: str) -> None:
    logs = rehearsal.dir / ".sdsetup" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("webui-*.log"):
        old.unlink()
    (logs / "webui-20260101-000000.log").write_text(text + "\n")


def test_each_act_mends_what_it_is_named_for(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    script = rehearsal.dir / "extensions" / "needs" / "scripts" / "needs.py"
    script.parent.mkdir(parents=True)
    script.write_text(NEEDS)
    for title, (broken, said, mended) in BREAKS.items():
        broken(rehearsal.dir)
        assert not mended(rehearsal.dir), title
        if said is None:
            failed = rehearsal.sdsetup("launch", "--no-browser", "--dir", str(rehearsal.dir))
            assert failed.returncode == 1, (title, failed.stdout + failed.stderr)
        else:
            logged(rehearsal, said)
        told = fixed(rehearsal)
        assert mended(rehearsal.dir), (title, told)
