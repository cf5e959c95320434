"""tools/pins.py finds every pin of the profiles and the sentences that time makes false."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def load():
    spec = importlib.util.spec_from_file_location("pins", ROOT / "tools" / "pins.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pins"] = module  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


def test_every_commit_and_hash_of_the_profiles_is_listed_once() -> None:
    written: list[str] = []
    for path in sorted((ROOT / "profiles").rglob("*.toml")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("source")]
        written += re.findall(r'"([0-9a-f]{40}|[0-9a-f]{64})"', "\n".join(lines))
    listed = [pin.what for pin in load().pins() if pin.file.startswith("profiles/")]
    assert sorted(written) == sorted(what for what in listed if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", what))


def test_versions_of_the_starters_and_dated_sentences_are_found() -> None:
    found = {(pin.file, pin.kind) for pin in load().pins()}
    assert {("sdsetup.sh", "version"), ("sdsetup.sh", "sha256"), ("sdsetup.bat", "sha256")} <= found
    dated = [pin for pin in load().pins() if pin.kind == "date"]
    assert any(pin.file == "profiles/doctor.toml" and "October 2026" in pin.what for pin in dated)


def test_each_says_where_it_is_known_from_and_how_it_is_renewed(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    text = '[tool]\nname = "x"\nsha256 = "' + "a" * 64 + '"\nsource = "https://x.example"\n'
    (folder / "a.toml").write_text(text, encoding="utf-8")
    (only,) = load().pins(tmp_path)
    assert (only.entry, only.source, only.days) == ("tool x", "https://x.example", None)
    assert only.renew
