"""bootstrap/requirements.lock: what the starters install is pinned by hash, and is what the project asks for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from small_project import ROOT

LOCK = (ROOT / "bootstrap" / "requirements.lock").read_text()


def locked() -> dict[str, list[tuple[Requirement, list[str]]]]:
    """By name: each pin with its hashes."""
    found: dict[str, list[tuple[Requirement, list[str]]]] = {}
    for entry in re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE).replace("\\\n", "").splitlines():
        words, *hashes = entry.split("--hash=")
        one = Requirement(words.strip())
        found.setdefault(canonicalize_name(one.name), []).append((one, [text.strip() for text in hashes]))
    return found


def asked() -> list[Requirement]:
    project = tomli.loads((ROOT / "pyproject.toml").read_text())
    groups = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    return [Requirement(text) for text in groups + project["build-system"]["requires"]]


@pytest.mark.parametrize("one", asked(), ids=str)
def test_what_the_project_asks_for_is_locked(one: Requirement) -> None:
    pins = locked()[canonicalize_name(one.name)]
    for pin, _ in pins:
        (exact,) = pin.specifier
        assert exact.operator == "==" and one.specifier.contains(exact.version, prereleases=True)
    # An extra is locked as the packages that it stands for.
    for words in metadata.requires(one.name) or () if one.extras else ():
        part = Requirement(words)
        if part.marker and any(part.marker.evaluate({"extra": extra}) for extra in one.extras):
            assert canonicalize_name(part.name) in locked(), words
    markers = [pin.marker for pin, _ in pins]
    for python in ("3.10", "3.11", "3.12", "3.13"):
        here = {"python_version": python, "python_full_version": f"{python}.9"}
        if one.marker is None or one.marker.evaluate(here):
            assert any(marker is None or marker.evaluate(here) for marker in markers), python


def test_each_locked_package_has_its_hashes_and_no_address() -> None:
    pins = [pin for each in locked().values() for pin in each]
    assert len(pins) > 20
    for pin, hashes in pins:
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), pin
    assert "://" not in LOCK
    assert "-index" not in LOCK


def test_the_lock_is_current() -> None:
    """Asks the package index; where none answers, the tests above have to do."""
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists() or shutil.which("bash") is None:
        pytest.skip("uv or bash is not here")
    checked = subprocess.run(
        [str(ROOT / ".ci" / "lock"), "--check"],
        env={**os.environ, "UV": str(uv)},
        capture_output=True,
        encoding="utf-8",
    )
    if checked.returncode == 2:
        pytest.skip(f"no package index answered: {checked.stderr[-200:]}")
    assert checked.returncode == 0, checked.stderr


def test_a_lock_that_is_not_current_is_told(tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists() or shutil.which("bash") is None:
        pytest.skip("uv or bash is not here")
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bootstrap").mkdir()
    shutil.copy(ROOT / ".ci" / "lock", tmp_path / ".ci")
    text = (ROOT / "pyproject.toml").read_text().replace("dependencies = [\n", 'dependencies = [\n"idna<3",\n', 1)
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "bootstrap" / "requirements.lock").write_text(LOCK)
    command = [str(tmp_path / ".ci" / "lock"), "--check"]
    checked = subprocess.run(command, env={**os.environ, "UV": str(uv)}, capture_output=True, encoding="utf-8")
    if checked.returncode == 2:
        pytest.skip(f"no package index answered: {checked.stderr[-200:]}")
    assert (checked.returncode, "is not current" in checked.stderr) == (1, True)
    assert (tmp_path / "bootstrap" / "requirements.lock").read_text() == LOCK
