"""`report --sbom`: a CycloneDX document of an installation, by the published schema."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from execute.gitlab import make_origin
from sdsetup.decide.bill_of_materials import Checkout, KnownModel, Package, bill

WEBUI = Checkout(name="webui", commit="a" * 40, url="https://github.com/AUTOMATIC1111/stable-diffusion-webui.git")
ELSEWHERE = Checkout(name="BLIP", commit="b" * 40, url="https://git.example/BLIP.git")


def assert_valid(document: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


@pytest.mark.parametrize("webui", [WEBUI, None])
def test_the_document_is_what_the_schema_asks_for(webui: Checkout | None) -> None:
    packages = [
        Package(name="Flask_Thing", version="2.1.2+cu121", licence="BSD-3-Clause"),
        Package(name="z", version="1"),
    ]
    model = KnownModel(name="SD", file="a.safetensors", sha256="c" * 64, licence="OpenRAIL")
    document = bill(webui, [ELSEWHERE], packages, [model], made_by="1.0")
    assert_valid(document)
    assert bill(webui, [ELSEWHERE], packages[::-1], [model], made_by="1.0") == document
    by_name = {component["name"]: component for component in document["components"]}
    assert by_name["Flask_Thing"]["purl"] == "pkg:pypi/flask-thing@2.1.2%2Bcu121"
    assert by_name["SD"]["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]
    assert "purl" not in by_name["BLIP"]
    assert by_name["BLIP"]["externalReferences"][0]["url"] == ELSEWHERE.url


def test_another_installation_has_another_serial_number() -> None:
    assert (
        bill(WEBUI, [], [], [], made_by="1")["serialNumber"] != bill(None, [], [], [], made_by="1")["serialNumber"]
    )


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "PYTHONPATH")
    env = {name: os.environ[name] for name in names if name in os.environ}
    env |= {"HOME": str(home), "SDSETUP_CACHE_DIR": str(home / "c"), "SDSETUP_LOG_DIR": str(home / "l")}
    argv = [sys.executable, "-m", "sdsetup", "report", "--sbom", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_an_installation_is_read_and_the_persons_own_models_are_not_named(tmp_path: Path) -> None:
    folder = tmp_path / "webui"
    origin = make_origin(folder)
    blip = make_origin(folder / "repositories" / "BLIP")
    packages = folder / "venv" / ("Lib" if os.name == "nt" else "lib/python3.10") / "site-packages"
    info = packages / "torch-2.1.2+cu121.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.1.2+cu121\nLicense: BSD-3\n")
    models = folder / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    (models / "known.safetensors").write_bytes(b"known")
    (models / "my-secret.safetensors").write_bytes(b"ownes")
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    digest = hashlib.sha256(b"known").hexdigest()
    (profiles / "models.toml").write_text(f'[models.sd15]\nsize = 5\nsha256 = "{digest}"\n')
    done = run(tmp_path, "--dir", str(folder), "--profiles", str(profiles))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert_valid(document)
    versions = {component["name"]: component.get("version") for component in document["components"]}
    assert versions["torch"] == "2.1.2+cu121"
    assert versions["BLIP"] == blip.new
    assert versions["Stable Diffusion 1.5"] is None
    assert document["metadata"]["component"]["version"] == origin.new
    assert "my-secret" not in done.stdout


def test_a_folder_without_a_web_ui_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "--dir", str(tmp_path))
    assert done.returncode == 1
    assert "no-installation" in done.stderr


def test_it_goes_into_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    make_origin(tmp_path / "webui")
    out = tmp_path / "sbom.json"
    arguments = ("--dir", str(tmp_path / "webui"), "--out", str(out))
    assert run(tmp_path, *arguments).returncode == 0
    assert_valid(json.loads(out.read_text()))
    again = run(tmp_path, *arguments)
    assert again.returncode == 1
    assert "file-exists" in again.stderr
