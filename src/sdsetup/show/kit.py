"""A kit on the screen: what making it costs, what it holds, what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text as Line

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.show.words import say, size
from sdsetup.text import Text
from sdsetup.values.kit import KINDS, Fault, Kit, Part

_TITLES = {
    "repository": Text("Repositories"),
    "package": Text("Python packages"),
    "model": Text("Models"),
    "tokenizer": Text("Text encoder files"),
    "python": Text("Python"),
    "git": Text("Git for Windows"),
    "program": Text("sdsetup"),
}


def show_plan(folder: Path, parts: Sequence[Part], screen: Screen) -> None:
    screen.heading(Text("Plan for the kit in {folder}", folder=folder))
    screen.line()
    table = _table()
    for part in parts:
        style = "dim" if part.there else ""
        table.add_row(
            Line(say(part.title), style=style),
            Line(say(Text("done")) if part.there else size(part.bytes), style=style),
        )
    screen.table(table)
    screen.line()
    screen.line(Text("Download: about {size}", size=size(_todo(parts))))


def show_made(folder: Path, kit: Kit, identity: str, signed_by: str | None, screen: Screen) -> None:
    screen.line()
    screen.heading(Text("The kit is ready"))
    _show_content(kit, screen)
    screen.line(Text("SHA-256 of its file list (for --kit-sha256):"))
    screen.command(identity, indent=2)
    if signed_by is not None:
        screen.line(Text("Signed. The public key (for --kit-key):"))
        screen.command(signed_by, indent=2)
    screen.line(Text("Install from it on any of the PCs:"))
    screen.command(Command("sdsetup", "install", "--kit", str(folder)), indent=2)


def show_check(
    folder: Path, kit: Kit, identity: str, signed_by: str | None, faults: Sequence[Fault], screen: Screen
) -> None:
    screen.heading(Text("Kit in {folder}", folder=folder))
    _show_content(kit, screen)
    screen.line(Text("SHA-256 of its file list: {identity}", identity=identity))
    if signed_by is not None:
        mark = screen.mark("ok")
        screen.line(Text("{mark} Signed with the key {key}", mark=mark, key=signed_by), "ok")
    for fault in faults:
        text = {
            "missing": Text("Missing: {path}", path=fault.path),
            "damaged": Text("Damaged: {path}", path=fault.path),
            "unreadable": Text("Can't be read: {path}", path=fault.path),
        }[fault.what]
        screen.line(Text("{mark} {text}", mark=screen.mark("fail"), text=text), "fail")
    if faults:
        screen.line(
            Text("Copy these files again, or delete them and run `sdsetup kit make` again with the same options.")
        )
    else:
        screen.line(Text("{mark} All {count} files are OK", mark=screen.mark("ok"), count=len(kit.files)), "ok")


def plan_json(folder: Path, parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "schema": "sdsetup.kit-plan/1",
        "dir": str(folder),
        "bytes": _todo(parts),
        "parts": [{"title": str(part.title), "bytes": part.bytes, "there": part.there} for part in parts],
    }


def made_json(folder: Path, kit: Kit, identity: str, signed_by: str | None) -> dict[str, Any]:
    return {
        "schema": "sdsetup.kit-made/1",
        "dir": str(folder),
        "sha256": identity,
        "signed_by": signed_by,
        "files": len(kit.files),
        "bytes": sum(file.size for file in kit.files.values()),
        "parts": {kind: sum(f.size for p in kit.of(kind) for f in p.files) for kind in KINDS if kit.of(kind)},
    }


def check_json(
    folder: Path, kit: Kit, identity: str, signed_by: str | None, faults: Sequence[Fault]
) -> dict[str, Any]:
    return {
        **made_json(folder, kit, identity, signed_by),
        "schema": "sdsetup.kit-check/1",
        "ok": not faults,
        "faults": [{"path": fault.path, "what": fault.what} for fault in faults],
    }


def _show_content(kit: Kit, screen: Screen) -> None:
    table = _table()
    for kind in KINDS:
        files = {file.path: file.size for piece in kit.of(kind) for file in piece.files}
        if files:
            table.add_row(Line(say(_TITLES[kind])), Line(size(sum(files.values()))))
    table.add_row(Line(say(Text("All files"))), Line(size(sum(file.size for file in kit.files.values()))))
    screen.table(table)


def _table() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    return table


def _todo(parts: Sequence[Part]) -> int:
    return sum(part.bytes for part in parts if not part.there)
