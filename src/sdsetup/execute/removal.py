"""Takes an installation away: only what we made, told before, and finished by the next run when it is killed.

What goes is decided from what is there. The list of the web UI's own files is kept in `.sdsetup/uninstall.json`
from the beginning of the removal on, because git cannot be asked any more when half of it is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import marker
from sdsetup.execute.folders import file_problems, remove_tree
from sdsetup.execute.git.seal import sealed, untouched
from sdsetup.execute.kept import files_of, freed_by, size_of
from sdsetup.execute.launch_file import written_before
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import read_json, replace, write_json
from sdsetup.text import Text
from sdsetup.values.layout import PRACTICE_MARK, STATE_FOLDER
from sdsetup.values.removal import Item, Removal

SCHEMA = "sdsetup.uninstall-begun/1"
_BEGUN = "uninstall.json"
_REMOVING = "removing"
_MOST_COMPARED = 64 * 2**20  # bytes; the web UI's largest own file has 6 MB
# The user's own folders by the web UI's names (modules/paths_internal.py, v1.10.1).
_PLACES = {
    "models": ("models", Text("Models")),
    "embeddings": ("models", Text("Embeddings")),
    "outputs": ("images", Text("Images")),
    "log": ("images", Text("Images you saved")),
    "extensions": ("extensions", Text("Extensions")),
}
_SETTINGS = ("config.json", "ui-config.json", "styles.csv", "params.txt", "cache.json", *FILE_NAMES.values())


def listing(context: Context) -> Removal:
    """What would go from this folder and what would stay; nothing is changed. Both empty where we made nothing."""
    folder = context.dir
    if not ours_at_all(context):
        return Removal(dir=folder)
    blobs = _blobs(context)
    goes, stays = _Sorted(context, blobs).run()
    told = frozenset(os.fspath(path) for item in (*goes, *stays) for path in _paths(item))
    return Removal(
        dir=folder, goes=tuple(goes), stays=(*stays, *_left(folder, told)), frees=freed(goes), blobs=blobs
    )


def remove(context: Context, removal: Removal) -> None:
    """Do it. Again, after a kill, does the rest.

    Raises:
        SdsetupError: the cause where something could not be removed; the same command goes on.
    """
    folder = context.dir
    with file_problems(folder, Text("Not everything could be removed")):
        write_json(context.state / _BEGUN, {"schema": SCHEMA, "blobs": removal.blobs})
        # Our records go last: of them the one that says what else goes, and behind it the one that says for whom.
        last = (context.state / _BEGUN, context.state / PRACTICE_MARK)
        for item in sorted(removal.goes, key=lambda item: item.kind == "records"):
            if item.path not in last:
                _remove(context, item)
        _remove_empty(folder, [item.path for item in removal.stays])
        for path in last:
            path.unlink(missing_ok=True)
    remove_own_folder(context)


def remove_own_folder(context: Context) -> None:
    """Our folder and the installation's, where nothing is left in them."""
    for folder in (context.state, context.dir):
        try:
            folder.rmdir()
        except OSError:
            return


def freed(items: Iterable[Item]) -> int:
    """Bytes that are free when all of these are gone."""
    return freed_by(name for item in items for path in _paths(item) for name in files_of(path))


@dataclass(frozen=True)
class _Sorted:
    """Sorts what lies in an installation into what goes and what stays for a reason."""

    context: Context
    blobs: Mapping[str, str]

    def run(self) -> tuple[list[Item], list[Item]]:
        goes: list[Item] = []
        stays: list[Item] = []
        for item in self._found():
            (goes if item.why is None else stays).append(item)
        return goes, stays

    def _found(self) -> Iterator[Item]:
        yield from self._environment(self.context.dir / "venv", Text("Python environment"))
        yield from self._repositories(self.context.dir / "repositories")
        yield from self._code()
        yield from self._text_encoder()
        yield from self._bytecode()
        yield from self._launch_files()
        yield from self._git()
        yield from self._records()

    def _environment(self, venv: Path, what: Text) -> Iterator[Item]:
        if not os.path.lexists(venv):
            return
        ours = not venv.is_symlink() and bool(marker(venv).get("lock"))
        why = None if ours else Text("sdsetup did not create it")
        yield Item(kind="environment", what=what, path=venv, bytes=size_of(venv), why=why)

    def _repositories(self, folder: Path) -> Iterator[Item]:
        for path in _folders(folder):
            name = path.name
            ours = not folder.is_symlink() and not path.is_symlink() and untouched(self.context, path)
            yield Item(
                kind="repository",
                what=Text("Repository {name}", name=name),
                path=path,
                bytes=size_of(path),
                why=None if ours else Text("it has changes, or sdsetup did not create it"),
            )

    def _code(self) -> Iterator[Item]:
        folder = self.context.dir
        same = tuple(name for name, blob in self.blobs.items() if _is_blob(folder, name, blob))
        changed = [name for name in self.blobs if name not in same and os.path.lexists(folder / name)]
        if same:
            size = sum(size_of(folder / name) for name in same)
            yield Item(kind="web-ui", what=Text("Web UI"), path=folder, files=same, bytes=size)
        for name in changed:
            if name not in FILE_NAMES.values():
                why = Text("you changed it")
                yield Item(
                    kind="own-edit",
                    what=Text("{name}", name=name),
                    path=folder / name,
                    bytes=size_of(folder / name),
                    why=why,
                )

    def _text_encoder(self) -> Iterator[Item]:
        folder = self.context.dir
        files = tuple(
            file.save_as
            for file in self.context.catalog.webui.tokenizer
            if _sha256(folder, file.save_as) == file.sha256
        )
        if files:
            size = sum(size_of(folder / name) for name in files)
            yield Item(kind="text-encoder", what=Text("Text encoder files"), path=folder, files=files, bytes=size)

    def _bytecode(self) -> Iterator[Item]:
        """What Python compiled of the web UI's own files."""
        parents = {os.path.dirname(name) for name in self.blobs if name.endswith(".py")}  # noqa: PTH120 - of names
        for parent in sorted(parents):
            path = self.context.dir / parent / "__pycache__"
            if path.is_dir() and not path.is_symlink() and all(one.suffix == ".pyc" for one in path.iterdir()):
                yield Item(kind="bytecode", what=Text("Compiled files"), path=path, bytes=size_of(path))

    def _launch_files(self) -> Iterator[Item]:
        """A launch file that only we have written, and its backups; one with the user's own lines stays."""
        folder, ours = self.context.dir, written_before(self.context)
        for name in FILE_NAMES.values():
            files = [path for path in (folder / name, *sorted(folder.glob(f"{name}.*.bak"))) if path.is_file()]
            known = [path for path in files if self._written_by_us(path, name, ours)]
            all_ours = len(known) == len(files) and not (folder / name).is_symlink()
            for path in files:
                if path.name in self.blobs and _is_blob(folder, name, self.blobs[name]):
                    continue  # as the web UI brings it
                why = None if all_ours else Text("it contains your settings")
                yield Item(kind="launch-file", what=Text("Launch file"), path=path, bytes=size_of(path), why=why)

    def _written_by_us(self, path: Path, name: str, ours: frozenset[str]) -> bool:
        if path.is_symlink():
            return False
        content = path.read_bytes()
        return hashlib.sha256(content).hexdigest() in ours or _blob_id(content) == self.blobs.get(name)

    def _git(self) -> Iterator[Item]:
        path = self.context.dir / ".git"
        if os.path.lexists(path):
            ours = bool(self.blobs) and path.is_dir() and not path.is_symlink() and sealed(self.context.dir)
            why = None if ours else Text("it has commits or settings that sdsetup did not create")
            yield Item(
                kind="git", what=Text("Git repository of the web UI"), path=path, bytes=size_of(path), why=why
            )

    def _records(self) -> Iterator[Item]:
        state = self.context.state
        for path in _folders(state / "former"):
            if (path / "pyvenv.cfg").is_file() or marker(path):
                yield from self._environment(path, Text("Previous Python environment"))
            else:
                ours = untouched(self.context, path)
                why = None if ours else Text("it was set aside because it may contain your changes")
                yield Item(kind="set-aside", what=Text("Set aside"), path=path, bytes=size_of(path), why=why)
        for path in sorted(state.iterdir()) if state.is_dir() else []:
            if path.name != "former":
                named = Text("Test images") if path.name == "proof" else Text("sdsetup's own records")
                yield Item(kind="records", what=named, path=path, bytes=size_of(path))


def ours_at_all(context: Context) -> bool:
    """Whether we have ever worked here: our records are there."""
    return context.state.is_dir() and not context.state.is_symlink() and any(context.state.iterdir())


def _blobs(context: Context) -> dict[str, str]:
    """The web UI's own files and their blob ids: as git says, or as the removal that was begun said. Empty where
    the checkout is not one that we made."""
    begun = read_json(context.state / _BEGUN)
    if isinstance(begun, dict) and begun.get("schema") == SCHEMA and isinstance(begun.get("blobs"), dict):
        return {str(name): str(blob) for name, blob in begun["blobs"].items() if _plain(str(name))}
    if not (context.dir / ".git" / "sdsetup.json").is_file():
        return {}
    try:
        said = git.ask(context, context.dir, "ls-files", "--stage", "-z")
    except SdsetupError:
        return {}
    found = {}
    for line in (said or "").split("\0"):
        head, tab, name = line.partition("\t")
        words = head.split(" ")
        if tab and len(words) == 3 and words[0] in ("100644", "100755") and _plain(name):
            found[name] = words[1]
    return found


def _plain(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and not os.path.isabs(name) and ".." not in parts and parts[0] not in (".git", STATE_FOLDER)  # noqa: PTH117 - of a name


def _is_blob(folder: Path, name: str, blob: str) -> bool:
    """Whether a file holds what git put there. Git on Windows may have given it other line ends."""
    content = _content(folder, name)
    if content is None:
        return False
    return blob in (_blob_id(content), _blob_id(content.replace(b"\r\n", b"\n")))


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _sha256(folder: Path, name: str) -> str | None:
    content = _content(folder, name)
    return None if content is None else hashlib.sha256(content).hexdigest()


def _content(folder: Path, name: str) -> bytes | None:
    """A regular file that no link on the way leads out of the folder for."""
    path = folder / name
    try:
        real = Path(os.path.realpath(path.parent))
        inside = real == Path(os.path.realpath(folder), *name.split("/")[:-1])
        if not inside or path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_COMPARED:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() or path.is_symlink())
    except OSError:
        return []


def _paths(item: Item) -> Iterator[Path]:
    if item.files:
        yield from (item.path / name for name in item.files)
    else:
        yield item.path


def _left(folder: Path, told: frozenset[str]) -> Iterator[Item]:
    """What is there besides `told`, one item for each entry of the folder."""
    for path in sorted(folder.iterdir()):
        kind, what = _PLACES.get(path.name, ("other", Text("{name}", name=path.name)))
        if path.name in _SETTINGS:
            kind = "settings"
        size = _size_without(path, told)
        if size is not None:
            yield Item(kind=kind, what=what, path=path, bytes=size, why=Text("yours"))


def _size_without(path: Path, told: frozenset[str]) -> int | None:
    """Bytes of a file or folder without `told`; None where it holds nothing else."""
    if os.fspath(path) in told:
        return None
    if path.is_symlink() or not path.is_dir():
        return size_of(path)
    total, found = 0, False
    for root, folders, names in os.walk(path):
        folders[:] = [name for name in folders if os.path.join(root, name) not in told]  # noqa: PTH118 - thousands
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]  # noqa: PTH114, PTH118
        for name in (*names, *links):
            if os.path.join(root, name) not in told:  # noqa: PTH118
                found = True
                total += size_of(Path(root, name))
    return total if found else None


def _remove(context: Context, item: Item) -> None:
    """A folder is renamed first: half of one could not be told from the user's own."""
    if item.files:
        for name in item.files:
            (item.path / name).unlink(missing_ok=True)
        return
    away = context.state / _REMOVING
    if item.path == away or not os.path.lexists(item.path):
        remove_tree(item.path)
        return
    if item.path.is_dir():
        away.mkdir(exist_ok=True)
        for number in range(10_000):
            target = away / str(number)
            if not os.path.lexists(target):
                replace(item.path, target)
                remove_tree(target)
                break
        with contextlib.suppress(OSError):
            away.rmdir()
    else:
        item.path.unlink(missing_ok=True)


def _remove_empty(folder: Path, stay: Sequence[Path]) -> None:
    """Folders that hold nothing any more, the installation's own one included; what stays is not looked into."""
    for root, _folders_there, _files_there in os.walk(folder, topdown=False):
        path = Path(root)
        if not any(path.is_relative_to(one) for one in stay):
            with contextlib.suppress(OSError):
                path.rmdir()
