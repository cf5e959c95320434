"""Screens and JSON of `sdsetup model`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text as Line

from sdsetup.catalog.models import MODEL_FOLDER, Model
from sdsetup.command import Command
from sdsetup.show.commands import typed
from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.words import say, size
from sdsetup.text import Text, harmless, message

# State of a file -> mark and word on the screen.
_STATES = {
    "known": ("ok", message("OK")),
    "unknown": ("ok", message("OK")),
    "pickle": ("warn", message("pickle")),
    "pickle-unknown": ("warn", message("unknown")),
    "unfinished": ("warn", message("partial")),
    "set-aside": ("warn", message("backup")),
    "damaged": ("fail", message("damaged")),
    "dangerous": ("fail", message("unsafe")),
}


def show_models(models: Iterable[Model], present: Mapping[str, bool | None], screen: Screen) -> None:
    """Each model in two lines: what it is, and for whom."""
    models = tuple(models)
    width = max(screen.width, 40)
    names = max((len(model.name) for model in models), default=0)
    page = Line()
    for model in models:
        there = present.get(model.name)
        mark = screen.mark("ok") if there else " "
        page.append(f" {mark} ", STYLES["ok"])
        page.append(f"{model.name:<{names}}  ", "bold")
        said = Text("{title} (downloaded)", title=model.title) if there else model.title
        page.append(f"{size(model.size):>8}  {say(said)}\n")
        about = " ".join(filter(None, (say(model.because) if model.because else "", _licence(model))))
        for line in _folded(about, width - names - 5):
            page.append(" " * (names + 5) + line + "\n", "dim")
    screen.console.print(page, soft_wrap=True, end="")
    screen.line(Text("Download one:"))
    screen.command(Command("sdsetup", "model", "get", "NAME"), indent=2)


def models_json(
    models: Iterable[Model], present: Mapping[str, bool | None], folder: Path | None
) -> dict[str, Any]:
    """`sdsetup.models/1`. `present` is null where no folder was looked at."""
    return {
        "schema": "sdsetup.models/1",
        "dir": str(folder) if folder else None,
        "models": [
            {
                "name": model.name,
                "title": str(model.title),
                "class": model.model_class,
                "file": model.file,
                "save_as": model.save_as,
                "size": model.size,
                "sha256": model.sha256,
                "licence": model.licence,
                "because": str(model.because) if model.because else None,
                "present": present.get(model.name),
                "sources": [_source(source) for source in model.sources],
            }
            for model in models
        ],
    }


def show_fetched(fetched: Any, name: str, screen: Screen) -> None:
    """How a model came into its place. `fetched` is `execute.download.Fetched`."""
    if fetched.reused_from is not None:
        how = Text("Copied from {path}, nothing was downloaded", path=fetched.reused_from)
    elif fetched.transferred_bytes or fetched.resumed_from:
        kept = fetched.resumed_from
        how = Text(
            "{bytes} downloaded from {source}{kept}, SHA-256 OK",
            bytes=size(fetched.transferred_bytes),
            source=fetched.source,
            kept=Text(", {kept} were already there", kept=size(kept)) if kept else "",
        )
    else:
        how = Text("Already there, SHA-256 OK")
    screen.line(Text("{mark} {name}: {how}", mark=screen.mark("ok"), name=name, how=how), "ok")
    screen.line(Text("{path}", path=fetched.path), "quiet", indent=2)


def fetched_json(fetched: Any, name: str) -> dict[str, Any]:
    """`sdsetup.model-get/1`. Bytes are body bytes of this run."""
    return {
        "schema": "sdsetup.model-get/1",
        "ok": True,
        "name": name,
        "path": str(fetched.path),
        "transferred": fetched.transferred_bytes,
        "resumed_from": fetched.resumed_from,
        "reused_from": str(fetched.reused_from) if fetched.reused_from else None,
        "source": fetched.source,
    }


def show_verdicts(verdicts: Sequence[Any], folder: Path, screen: Screen) -> None:
    """One line a file, more where something is to be done. `verdicts` are `execute.model_folder.Verdict`."""
    width = max(screen.width, 40)
    page = Line()
    for verdict in verdicts:
        if screen.quiet and _STATES[verdict.state][0] == "ok":
            continue
        _draw_verdict(page, verdict, screen, width)
    if page:
        screen.console.print(page, soft_wrap=True, end="")
    if not verdicts:
        screen.line(Text("No models in {folder}", folder=folder / MODEL_FOLDER))
        screen.line(Text("See what you can download:"))
        screen.command(Command("sdsetup", "model", "list"), indent=2)
        return
    bad = sum(not verdict.ok for verdict in verdicts)
    said = Text("No problems found")
    if bad:
        said = Text("Files that need attention: {count} of {all}", count=bad, all=len(verdicts))
    screen.line(said, "warn" if bad else "ok")


def _draw_verdict(page: Line, verdict: Any, screen: Screen, width: int) -> None:
    status, word = _STATES[verdict.state]
    before = 12
    page.append(f" {screen.mark(status)} {say(word):<8} ", STYLES[status])
    page.append(harmless(verdict.path), "bold")
    page.append(f"  {size(verdict.size)}\n", "dim")
    sentences = [say(verdict.said)] + ([say(verdict.todo)] if verdict.todo else [])
    for sentence in sentences:
        for line in _folded(sentence[:1].upper() + sentence[1:], width - before):
            page.append(" " * before + line + "\n")
    if verdict.command:
        page.append(" " * before + typed(verdict.command) + "\n", STYLES["hint"])


def verdicts_json(verdicts: Sequence[Any], folder: Path) -> dict[str, Any]:
    """`sdsetup.model-check/1`."""
    return {
        "schema": "sdsetup.model-check/1",
        "ok": all(verdict.ok for verdict in verdicts),
        "dir": str(folder),
        "files": [
            {
                "path": verdict.path,
                "size": verdict.size,
                "state": verdict.state,
                "model": verdict.model,
                "damage": verdict.damage,
                "summary": str(verdict.said),
                "fix": {"text": str(verdict.todo), "command": verdict.command} if verdict.todo else None,
            }
            for verdict in verdicts
        ],
    }


def show_imported(imported: Any, screen: Screen) -> None:
    """`imported` is `execute.model_import.Imported`."""
    ways = {
        "linked": Text("Linked to the file you already have (no extra disk space)"),
        "copied": Text("Copied. The original stays where it is."),
        "there": Text("Already there"),
    }
    screen.line(Text("{mark} {how}", mark=screen.mark("ok"), how=ways[imported.how]), "ok")
    screen.line(Text("{path}", path=imported.path), "quiet", indent=2)
    if imported.model is not None:
        screen.line(Text("This is the model {name}.", name=imported.model), indent=2)
    if imported.scan is not None and imported.scan.unknown:
        names = ", ".join(imported.scan.unknown)
        screen.line(
            Text("{mark} The file calls unknown code: {names}", mark=screen.mark("warn"), names=names), "warn"
        )


def imported_json(imported: Any) -> dict[str, Any]:
    """`sdsetup.model-import/1`."""
    scan = imported.scan
    return {
        "schema": "sdsetup.model-import/1",
        "ok": True,
        "path": str(imported.path),
        "how": imported.how,
        "model": imported.model,
        "scan": {"verdict": scan.verdict, "dangerous": list(scan.dangerous), "unknown": list(scan.unknown)}
        if scan
        else None,
    }


def _source(source: Any) -> dict[str, Any]:
    if source.url:
        return {"url": source.url}
    return {"hub": source.hub, "revision": source.revision, "file": source.file}


def _licence(model: Model) -> str:
    return say(Text("License: {name}.", name=Text(model.licence))) if model.licence else ""


def _folded(sentence: str, width: int) -> list[str]:
    return textwrap.wrap(sentence, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
