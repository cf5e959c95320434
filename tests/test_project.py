"""The project itself: what the wheel holds, and what starting costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("requests", "huggingface_hub", "rich", "psutil", "pynvml", "packaging", "pydantic", "importlib.metadata")


def test_starting_loads_nothing_heavy() -> None:
    code = "import sys, sdsetup.cli, sdsetup.cli.app; print(*[m for m in sys.argv[1:] if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, cwd=ROOT / "src", check=True
    )
    assert done.stdout.split() == []


def test_the_wheel_holds_the_profiles_and_every_module(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for profile in (ROOT / "profiles").rglob("*.toml"):
        assert f"sdsetup/profiles/{profile.relative_to(ROOT / 'profiles').as_posix()}" in names
    for module in (ROOT / "src").rglob("*.py"):
        assert module.relative_to(ROOT / "src").as_posix() in names
    for schema in (ROOT / "src" / "sdsetup" / "schemas").glob("*.json"):
        assert f"sdsetup/schemas/{schema.name}" in names
    assert "sdsetup/py.typed" in names, "type checkers read our annotations only then (PEP 561)"
    assert not [name for name in names if name.startswith(("tests/", "profiles/", "src/"))]


@pytest.mark.skipif(sys.platform == "win32", reason="a bash script")
def test_ci_finds_the_readmes_test_command() -> None:
    shown = subprocess.run(
        [str(ROOT / ".ci" / "run"), "--show"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("+ python3 -m venv .venv && ") and shown.rstrip().endswith("-m pytest --quiet")


def test_version_is_answered_by_both_ways_in() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sdsetup", "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT / "src",
        check=True,
    )
    assert done.stdout.startswith("sdsetup ")


def test_what_runs_with_a_token_of_ours_is_pinned() -> None:
    """A tag can be moved to other code; a commit cannot."""
    used = [
        line.partition("uses:")[2].strip()
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", action)] == []


def test_an_issue_asks_for_the_report() -> None:
    forms = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")]
    assert sum("sdsetup report --out" in form for form in forms) >= 2


NOT_ON_WINDOWS = {"crypt", "fcntl", "grp", "nis", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
ONLY_ON_WINDOWS = {"_winapi", "msvcrt", "winreg", "winsound"}


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_needs_what_another_system_lacks_to_be_imported(path: Path) -> None:
    """One such import at the top of a module would end every command there: it stands below a question."""
    tops = ast.parse(path.read_text(encoding="utf-8")).body
    named = {alias.name for node in tops if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in tops if isinstance(node, ast.ImportFrom) and node.module}
    assert not named & (NOT_ON_WINDOWS | ONLY_ON_WINDOWS)


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_what_the_architecture_names_is_there(document: str) -> None:
    """Files by their path below project, package, or profiles; a bare name is beside the one before it."""
    package = ROOT / "src" / "sdsetup"
    missing = []
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
        folder = ROOT
        for named in re.findall(r"`([\w.]+(?:/[\w.]*)*)`", line):
            places = [root / named for root in (ROOT, package, ROOT / "profiles", ROOT / "docs", folder)]
            room = named.split(".")[0]
            if named.endswith(("/", ".py", ".toml", ".md")):
                found = next((place for place in places if place.exists()), None)
                if found is None:
                    missing.append(named)
                else:
                    folder = found if found.is_dir() else found.parent
            elif "/" not in named and "." in named and room and (package / room).is_dir():
                missing += [] if _is_module_or_name(package, named) else [named]
    assert not missing


def _is_module_or_name(package: Path, dotted: str) -> bool:
    """`decide.kit`, or a name in a module: `workflows.tune.run_tune`."""
    whole = package / dotted.replace(".", "/")
    module, _, name = dotted.rpartition(".")
    inside = [package / f"{module.replace('.', '/')}{end}" for end in (".py", "/__init__.py")]
    return (
        whole.is_dir()
        or whole.with_suffix(".py").is_file()
        or any(file.is_file() and re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")) for file in inside)
    )
