"""Draw the pictures of docs/screens from real runs of the program: python tools/screens.py [NAME...]

Every run is this source, in a home of its own: of a PC that is described in a file, or of a practice run. A test
compares the text of each picture with what the program prints now (`shown`, `text_of`).
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screens"
WIDTH = 80
# A gaming PC with one thing to fix: its driver is older than its settings need.
PC = {
    "schema": "sdsetup.report/1",
    "machine": {
        "system": {"family": "windows", "name": "Windows 11", "version": "23H2", "build": 22631, "bits": 64},
        "gpus": [
            {
                "vendor": "nvidia",
                "name": "NVIDIA GeForce RTX 3060",
                "vram_bytes": 12 * 2**30,
                "compute_capability": "8.6",
                "driver_version": "456.71",
                "source": "nvml",
            }
        ],
        "memory": {"total_bytes": 16 * 2**30, "available_bytes": 9 * 2**30},
        "disk": {"free_bytes": 212 * 10**9, "filesystem": "NTFS"},
        "folder": {"path": "D:\\sd-webui", "exists": False},
    },
}


@dataclass(frozen=True)
class Shot:
    """One picture: `words` what is typed; `before` what is run first, without being shown; `tail` the last lines
    only; `slow`: it installs."""

    name: str
    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    tail: int | None = None
    coloured: bool = True
    lang: str = "en"

    @property
    def file(self) -> Path:
        return (FOLDER if self.lang == "en" else FOLDER / self.lang) / f"{self.name}.svg"

    @property
    def slow(self) -> bool:
        return "--rehearse" in self.words


_INSTALL = ("install", "--rehearse", "--yes")
SHOTS = (
    Shot("help", ("--help",)),
    Shot("doctor", ("doctor", "--facts", "my-pc.json")),
    Shot("tune", ("tune", "--gpu", "RTX 3060", "--vram", "12", "--os", "windows", "--ram", "16")),
    Shot("why", ("why", "--xformers", "--gpu", "RTX 3060", "--vram", "12", "--os", "windows", "--ram", "16")),
    Shot("install", _INSTALL, tail=24, coloured=False),
    Shot("status", ("status", "--rehearse"), before=(_INSTALL,)),
)
# Those of README, in the language of its translation.
SHOTS += tuple(replace(shot, lang="ru") for shot in SHOTS if shot.name in ("doctor", "tune", "install"))


def shown(shot: Shot) -> str:
    """What the program prints, with its colours."""
    with tempfile.TemporaryDirectory(prefix="sdsetup-screens-") as place:
        home = Path(place)
        (home / "my-pc.json").write_text(json.dumps(PC), encoding="utf-8")
        for words in shot.before:
            _run(words, home, coloured=False)
        said = _run(shot.words, home, coloured=shot.coloured, lang=shot.lang).replace(str(home), "/home/gamer")
    return "\n".join(said.rstrip().splitlines()[-(shot.tail or 0) :])


def _run(words: tuple[str, ...], home: Path, *, coloured: bool, lang: str = "en") -> str:
    kept = ("PATH", "SYSTEMROOT", "LANG", "TMPDIR", "TEMP")
    env = {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": str(WIDTH),
        "LINES": "24",
        "TERM": "xterm",
        "SDSETUP_LANG": lang,
        "SDSETUP_COMMAND": "sdsetup",
    }
    if coloured:
        env["FORCE_COLOR"] = "1"
    argv = [sys.executable, "-m", "sdsetup", *words]
    ended = subprocess.run(argv, capture_output=True, env=env, cwd=home, timeout=300, check=False)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)}: {ended.stderr.decode()}")
    return ended.stdout.decode()


def drawn(shot: Shot, said: str) -> str:
    """The picture as SVG."""
    text = Text.from_ansi(said)
    # Commands and addresses are never wrapped, so a picture is as wide as the longest.
    width = max(WIDTH, *(line.cell_len for line in text.split()))
    console = Console(record=True, width=width, file=io.StringIO(), color_system="standard", force_terminal=True)
    typed = " ".join(_quoted(word) for word in shot.words)
    console.print(Text(f"> sdsetup {typed}", style="bold"), soft_wrap=True)
    console.print(text, soft_wrap=True)
    return console.export_svg(title="sdsetup", unique_id=f"sdsetup-{shot.name}")


def text_of(svg: str) -> str:
    """The words of a picture, without what differs from run to run: numbers, and where lines are broken."""
    rows: dict[str, list[str]] = {}
    for y, text in re.findall(r'<text [^>]*?y="([\d.]+)"[^>]*?clip-path[^>]*>(.*?)</text>', svg):
        rows.setdefault(y, []).append(html.unescape(text).replace("\xa0", " "))
    said = " ".join("".join(parts) for parts in rows.values())
    # A step's time stands only behind those that took a second.
    said = re.sub(r"(?<=\)) +(?:\d+ (?:min|мин) )?\d+ (?:s|с)\b", "", said)
    return " ".join(re.sub(r"\b[0-9a-f]{8}\b|\d+(?:[.,:-]\d+)*", "0", said).split())


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def main(names: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if not names or shot.name in names:
            svg = drawn(shot, shown(shot))
            # Without the address of a font that the picture would load when it is opened.
            svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
            svg = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
            shot.file.parent.mkdir(exist_ok=True)
            shot.file.write_text(svg, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
