"""A practice installation with things of a person's in it, put back as it was after every run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sdsetup.rehearsal.server import LoopbackServer, Shelf

ROOT = Path(__file__).parents[2]
OWN_LINES = ("# my own line, with a word: Grüße", 'export MY_OWN_VARIABLE="1 2"')
MODEL_SIZE = 3 * 2**20
_GIT = ("git", "-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "commit.gpgsign=false")


def tensors(size: int, fill: bytes) -> bytes:
    """A well-formed safetensors file of `size` bytes."""
    body = size - 8 - 128
    entry = {"dtype": "U8", "shape": [body], "data_offsets": [0, body]}
    return struct.pack("<Q", 128) + json.dumps({"a": entry}).ljust(128).encode() + fill * body


class Practice:
    """One home with a practice installation; `freeze` remembers it, `restore` brings exactly that back."""

    def __init__(self, home: Path, library: Path) -> None:
        self.home = home
        self.library = library
        self.cache = home / "cache"
        self.dir = home / "webui"
        self.outside = home / "outside"
        self.log = home / "log"
        names = ("PATH", "LANG", "SYSTEMROOT", "TEMP", "TMP")
        self.env = {name: os.environ[name] for name in names if name in os.environ}
        self.env |= {"HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.env |= {"SDSETUP_CACHE_DIR": str(self.cache), "SDSETUP_DATA_DIR": str(home / "data")}
        self.env |= {"SDSETUP_LOG_DIR": str(self.log), "GIT_CONFIG_NOSYSTEM": "1"}
        self._frozen: dict[str, os.stat_result] = {}
        self._copy = home.with_name(f"{home.name}-frozen")

    def make(self) -> None:
        """Install, lay the person's things down, tune twice so that there is a way back, and remember it all."""
        self.home.mkdir(parents=True)
        self.clean("install", "--rehearse", "--yes", "--dir", str(self.dir))
        self._plant()
        self.clean("tune", "--dir", str(self.dir), "--vram", "24", "--apply", "--anyway", "--yes")
        shutil.rmtree(self.log)
        self.freeze()

    def clean(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.run(arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def run(
        self, arguments: tuple[str, ...], extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sdsetup", *arguments],
            env={**self.env, **(extra or {})},
            cwd=self.home,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=240,
            check=False,
        )

    def fault(self, at: int, how: int | str, *, stand_ins: bool = False) -> dict[str, str]:
        """What makes the call of that number fail; 0 only counts."""
        counter = self.home / "counter"
        counter.write_bytes(bytes(8))
        (self.home / "calls").unlink(missing_ok=True)
        below = [self.dir, self.log, self.home / "data", self.outside]
        below += (
            [self.cache] if stand_ins else [self.cache / n for n in ("locks", "uv", "bytecode", "resolutions")]
        )
        return {
            "FAULT_BELOW": ":".join(map(str, below)),
            "FAULT_COUNTER": str(counter),
            "FAULT_AT": str(at),
            "FAULT_HOW": str(how),
            "FAULT_LOG": str(self.home / "calls"),
            "LD_PRELOAD": str(self.library),
        }

    def calls(self) -> list[str]:
        """The calls that counted in the last run, "write /where"."""
        if not (self.home / "calls").is_file():
            return []
        lines = (self.home / "calls").read_text(errors="replace").splitlines()
        return [" ".join(line.split("\t")[2:]) for line in lines]

    # The person's things.

    def _plant(self) -> None:
        self.outside.mkdir()
        (self.outside / "linked.safetensors").write_bytes(tensors(4096, b"l"))
        (self.outside / "brought.safetensors").write_bytes(tensors(300_000, b"b"))
        (self.outside / "pictures").mkdir()
        (self.outside / "pictures" / "best.png").write_bytes(b"\x89PNG the best one")
        models = self.dir / "models" / "Stable-diffusion"
        (models / "linked.safetensors").symlink_to(self.outside / "linked.safetensors")
        (self.dir / "outputs").symlink_to(self.outside / "pictures", target_is_directory=True)
        files = {
            models / "own.safetensors": tensors(8192, b"o"),
            models / "own.preview.png": b"preview",
            self.dir / "models" / "Lora" / "mine.safetensors": tensors(4096, b"m"),
            self.dir / "extensions" / "mine" / "scripts" / "mine.py": b"print('mine')\n",
            self.dir / "embeddings" / "face.pt": b"not ours",
            self.dir / "venv.mine" / "pyvenv.cfg": b"home = /usr/bin\n",
            self.dir / "styles.csv": b"name,prompt\nmine,a cat\n",
            self.dir / "notes.txt": "Привет\n".encode(),
        }
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        config = self.dir / "config.json"
        settings = json.loads(config.read_text()) if config.is_file() else {}
        config.write_text(json.dumps({**settings, "samples_filename_pattern": "[seed]"}))
        for launch_file in ("webui-user.sh",):
            path = self.dir / launch_file
            path.write_text(path.read_text() + "\n" + "\n".join(OWN_LINES) + "\n", encoding="utf-8")
        for folder in (self.dir, self.dir / "repositories" / "BLIP"):
            self._own_history(folder)

    def _own_history(self, folder: Path) -> None:
        def git(*arguments: str) -> None:
            subprocess.run([*_GIT, *arguments], cwd=folder, env=self.env, check=True, capture_output=True)

        git("branch", "mine")
        tree = "HEAD^{tree}"
        made = subprocess.run(
            [*_GIT, "commit-tree", tree, "-p", "HEAD", "-m", "mine"],
            cwd=folder,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        git("update-ref", "refs/heads/mine", made)
        (folder / "README.md").write_text("stashed\n")
        git("stash", "push", "README.md")

    def theirs(self) -> dict[str, str]:
        """Everything of the person's: paths and digests, links and where they lead, commits and stashes."""
        found = {}
        for name in ("models", "extensions", "embeddings", "venv.mine", "styles.csv", "notes.txt", "outputs"):
            found |= _digests(self.dir / name, self.dir)
        found |= _digests(self.outside, self.home)
        for folder in (self.dir, self.dir / "repositories" / "BLIP"):
            asked = subprocess.run(
                ["git", "cat-file", "--batch-check"],
                input="mine\nrefs/stash\nmine^{tree}\nrefs/stash^2\n",
                cwd=folder,
                env=self.env,
                capture_output=True,
                text=True,
                check=False,
            )
            found[f"{folder.name} history"] = asked.stdout
        text = (self.dir / "webui-user.sh").read_text(encoding="utf-8", errors="replace")
        found["own lines"] = "\n".join(line for line in OWN_LINES if line in text.splitlines())
        settings = json.loads((self.dir / "config.json").read_text())
        found["own settings"] = str(settings.get("samples_filename_pattern"))
        return found

    # As it was.

    def freeze(self) -> None:
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.home, self._copy, symlinks=True)
        self._frozen = dict(_entries(self.home))

    def restore(self) -> None:
        """Put back what differs, by size, time, mode and inode: a run changes a few files of a thousand."""
        now = dict(_entries(self.home))
        for name in sorted(now.keys() - self._frozen.keys(), reverse=True):
            path = self.home / name
            _make_removable(path.parent)
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for name in sorted(self._frozen):
            was, is_now = self._frozen[name], now.get(name)
            if is_now is not None and _same(was, is_now):
                continue
            path, kept = self.home / name, self._copy / name
            if stat.S_ISDIR(was.st_mode):
                if is_now is not None and not stat.S_ISDIR(is_now.st_mode):
                    path.unlink()
                path.mkdir(exist_ok=True)
                path.chmod(stat.S_IMODE(was.st_mode))
            else:
                if is_now is not None:
                    shutil.rmtree(path) if stat.S_ISDIR(is_now.st_mode) else path.unlink()
                shutil.copy2(kept, path, follow_symlinks=False)
                self._frozen[name] = path.lstat()


def _digests(path: Path, base: Path) -> dict[str, str]:
    name = path.relative_to(base).as_posix()
    if path.is_symlink():
        return {name: f"-> {path.readlink()}"}
    if path.is_dir():
        return {key: value for entry in sorted(path.iterdir()) for key, value in _digests(entry, base).items()}
    if not path.exists():
        return {name: "gone"}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()}


def _entries(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, root), os.lstat(path)


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    if stat.S_ISDIR(one.st_mode):
        return one.st_mode == other.st_mode
    return (one.st_mode, one.st_size, one.st_mtime_ns, one.st_ino) == (
        other.st_mode,
        other.st_size,
        other.st_mtime_ns,
        other.st_ino,
    )


def _make_removable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        folder.chmod(0o755)


@contextmanager
def served_model(folder: Path) -> Iterator[Path]:
    """A profiles folder whose model `mini` comes from a server on this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    content = tensors(MODEL_SIZE, b"x")
    file = folder / "mini.safetensors"
    file.write_bytes(content)
    shelf = Shelf(git="git", rate=None, ledger=folder / "ledger")
    shelf.files["mini.safetensors"] = file
    with LoopbackServer(shelf, port=0) as server:
        profiles = folder / "profiles"
        profiles.mkdir()
        lines = [
            "[models.mini]",
            'title = "A small model"',
            'because = "It is small."',
            'source = "this test"',
            'class = "sd15"',
            'licence = "none"',
            'file = "mini.safetensors"',
            'save_as = "models/Stable-diffusion/mini.safetensors"',
            f"size = {len(content)}",
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
            "[[models.mini.sources]]",
            f'url = "{server.url}/mini.safetensors"',
            'because = "It is here."',
            'source = "this test"',
        ]
        (profiles / "models.toml").write_text("\n".join(lines))
        # No disk is ever large enough for this one, and nobody outside is asked.
        hosts = f'[[hosts]]\nurl = "{server.url}"\npurpose = "model"\n'
        (profiles / "doctor.toml").write_text(f"{hosts}[disk]\nupdate_bytes = 1_000_000_000_000_000\n")
        yield profiles


_building = threading.Lock()


def failing_calls(folder: Path) -> Path | None:
    """The library, compiled into `folder`; None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    library = folder / "failing_calls.so"
    with _building:
        if compiler is None:
            return None
        if not library.exists():
            source = Path(__file__).with_name("failing_calls.c")
            argv = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
            subprocess.run(argv, check=True, capture_output=True)
    return library
