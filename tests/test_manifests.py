"""The manifests of package managers: what a release tells, in the forms that they publish."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCHEMAS = os.environ.get("SDSETUP_SCHEMAS")


def load():
    spec = importlib.util.spec_from_file_location("manifests", ROOT / "tools" / "manifests.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["manifests"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "sdsetup-1.2.3-windows-x86_64.zip"
    path.write_bytes(b"zip")
    return path


def test_each_manifest_names_the_zip_and_its_hash(archive: Path, tmp_path: Path) -> None:
    written = load().write(archive, "owner/name", tmp_path / "out")
    digest = hashlib.sha256(b"zip").hexdigest()
    url = f"https://github.com/owner/name/releases/download/v1.2.3/{archive.name}"
    texts = {path.name: path.read_text(encoding="utf-8") for path in written}
    assert len(texts) == 4
    assert url in texts["sdsetup.json"] and digest in texts["sdsetup.json"]
    assert (
        url in texts["sdsetup.sdsetup.installer.yaml"]
        and digest.upper() in texts["sdsetup.sdsetup.installer.yaml"]
    )


def test_each_manifest_is_read_back_as_it_was_meant(archive: Path, tmp_path: Path) -> None:
    read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in load().write(archive, "o/n", tmp_path)]
    assert [one.get("ManifestType") for one in read] == ["version", "installer", "defaultLocale", None]
    assert {one["PackageVersion"] for one in read[:3]} == {"1.2.3"} == {read[3]["version"]}
    (installer,) = read[1]["Installers"]
    assert installer["InstallerSha256"] == read[3]["architecture"]["64bit"]["hash"].upper()


def test_a_file_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="not named like a release"):
        load().write(tmp_path / "x.zip", "owner/name", tmp_path)


@pytest.mark.skipif(SCHEMAS is None, reason="SDSETUP_SCHEMAS names no folder with the published schemas")
def test_they_are_what_the_published_schemas_ask_for() -> None:
    """The folder holds scoop.json and winget-version.json, winget-installer.json, winget-defaultLocale.json."""
    jsonschema = pytest.importorskip("jsonschema")
    module = load()
    data = module.tomli.loads((ROOT / "tools" / "manifests.toml").read_text(encoding="utf-8"))
    facts = (
        data,
        "1.2.3",
        "https://github.com/o/n/releases/download/v1.2.3/a.zip",
        "a" * 64,
        "https://github.com/o/n",
    )
    made = {f"winget-{one['ManifestType']}": one for one in module.winget(*facts).values()}
    made["scoop"] = module.scoop(*facts)
    for name, manifest in made.items():
        schema = json.loads((Path(str(SCHEMAS)) / f"{name}.json").read_text(encoding="utf-8-sig"))
        jsonschema.Draft7Validator(schema).validate(manifest)
