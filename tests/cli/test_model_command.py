"""`sdsetup model` as people and programs run it: exit codes, documents, screens."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from documents import document

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "execute"), str(ROOT / "tests" / "execute" / "download")]

from faulty_hub import FaultyHub, drop, redirect, status, whole  # noqa: E402
from model_samples import checkpoint, safetensors  # noqa: E402

TINY = safetensors(tensors=400)


@dataclass
class Bench:
    folder: Path
    hub: FaultyHub
    env: dict[str, str]

    @property
    def target(self) -> Path:
        return self.folder / "models" / "Stable-diffusion" / "model.safetensors"

    def run(self, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "sdsetup", "model", *words],
            env={**self.env, **env},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        return document(self.run(*words, "--json", code=code).stdout)


@pytest.fixture
def bench(tmp_path: Path, own_home: Path) -> Iterator[Bench]:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    with FaultyHub(TINY) as hub:
        (profiles / "models.toml").write_text(
            f"""
[models.tiny]
title = "Tiny Diffusion"
file = "tiny.safetensors"
save_as = "models/Stable-diffusion/model.safetensors"
size = {len(TINY)}
sha256 = "{hashlib.sha256(TINY).hexdigest()}"
because = "Small enough for a test."
[[models.tiny.sources]]
hub = "org/tiny"
revision = "{"a" * 40}"
[[models.tiny.sources]]
url = "{hub.url}/second"
""",
            encoding="utf-8",
        )
        hub.answer("/org/tiny/resolve/" + "a" * 40 + "/tiny.safetensors", whole)
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
        env |= {
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONIOENCODING": "utf-8",
            "HF_ENDPOINT": hub.url,
            "SDSETUP_PROFILES": str(profiles),
            "SDSETUP_CACHE_DIR": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "COLUMNS": "80",
        }
        folder = tmp_path / "web ui"
        folder.mkdir()
        yield Bench(folder=folder, hub=hub, env=env)


def test_list(bench: Bench) -> None:
    document = bench.json("list", "--dir", str(bench.folder))
    assert document["schema"] == "sdsetup.models/1"
    models = {model["name"]: model for model in document["models"]}
    assert set(models["tiny"]) == {
        "name", "title", "class", "file", "save_as", "size", "sha256", "licence", "because", "present", "sources",
    }  # fmt: skip
    assert models["tiny"]["present"] is False
    assert models["tiny"]["sources"][0] == {"hub": "org/tiny", "revision": "a" * 40, "file": "tiny.safetensors"}
    assert models["sd15"]["size"] == 4_265_146_304
    text = bench.run("list", "--dir", str(bench.folder)).stdout
    assert "Tiny Diffusion" in text
    assert max(len(line) for line in text.splitlines() if "sdsetup model get" not in line) <= 80
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(TINY)
    again = bench.json("list", "--dir", str(bench.folder))
    assert {model["name"]: model["present"] for model in again["models"]}["tiny"] is True


def test_get(bench: Bench) -> None:
    document = bench.json("get", "tiny", "--dir", str(bench.folder))
    assert document == {
        "schema": "sdsetup.model-get/1",
        "ok": True,
        "name": "tiny",
        "path": str(bench.target),
        "transferred": len(TINY),
        "resumed_from": 0,
        "reused_from": None,
        "source": f"127.0.0.1:{bench.hub.port}, org/tiny",
    }
    assert bench.target.read_bytes() == TINY
    text = bench.run("get", "tiny", "--dir", str(bench.folder)).stdout
    assert "Already there" in text
    assert len(bench.hub.requests) == 1


def test_get_is_continued_by_the_same_command(bench: Bench) -> None:
    path = "/org/tiny/resolve/" + "a" * 40 + "/tiny.safetensors"
    bench.hub.answer(path, drop(20_000), status(404))
    failed = bench.run("get", "tiny", "--dir", str(bench.folder), code=1)
    assert "kept in" in failed.stderr
    assert "gone" in failed.stderr
    assert failed.stdout == "" or "model.safetensors" not in failed.stdout
    bench.hub.answer(path, whole)
    assert bench.json("get", "tiny", "--dir", str(bench.folder))["resumed_from"] == 20_000
    assert bench.hub.served == len(TINY)


def test_an_unknown_name_is_a_usage_error(bench: Bench) -> None:
    failed = bench.run("get", "tyny", "--dir", str(bench.folder), code=2)
    assert "Did you mean tiny" in " ".join(failed.stderr.split())
    assert "sdxl" in failed.stderr


@pytest.mark.parametrize("rate", ["fast", "0", "-1", "5T"])
def test_a_rate_that_is_none(bench: Bench, rate: str) -> None:
    assert "bad-rate" in bench.run("get", "tiny", f"--limit-rate={rate}", code=2).stderr


def test_the_person_is_told_when_the_default_folder_is_not_there(bench: Bench) -> None:
    bench.run("get", "tiny", code=1)
    assert bench.hub.requests == []


def test_the_hub_is_asked_about_models_that_are_not_ours(bench: Bench) -> None:
    sha256 = hashlib.sha256(TINY).hexdigest()
    path = "/some/one/resolve/main/sub/pretty.safetensors"

    def describe(exchange) -> None:
        exchange.head(
            200,
            {
                "X-Repo-Commit": "b" * 40,
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": len(TINY),
                "ETag": f'"{sha256}"',
                "Content-Length": len(TINY),
            },
        )

    bench.hub.answer(path, describe)
    bench.hub.answer(f"/some/one/resolve/{'b' * 40}/sub/pretty.safetensors", redirect("/cdn?sig=1"))
    bench.hub.answer("/cdn", whole)
    document = bench.json("get", "some/one:sub/pretty.safetensors", "--dir", str(bench.folder))
    assert document["path"] == str(bench.target.with_name("pretty.safetensors"))
    assert bench.target.with_name("pretty.safetensors").read_bytes() == TINY


@pytest.mark.parametrize(
    ("name", "headers", "code", "exit_code"),
    [
        ("some/one:x.safetensors", {"X-Error-Code": "GatedRepo"}, "gated", 1),
        ("some/one:x.safetensors", {"X-Error-Code": "RepoNotFound"}, "gone", 1),
        ("some/one:x.ckpt", {}, "not-a-safetensors", 2),
        ("some/one:../x.safetensors", {}, "bad-model-name", 2),
    ],
)
def test_the_hubs_refusals(bench: Bench, name: str, headers: dict[str, str], code: str, exit_code: int) -> None:
    named = {key.replace("-", "_"): value for key, value in headers.items()}
    bench.hub.answer("/some/one/resolve/main/x.safetensors", status(401, **named))
    failed = bench.run("get", name, "--dir", str(bench.folder), code=exit_code)
    assert f"code: {code}" in failed.stderr


def test_check(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(TINY)
    document = bench.json("check", "--dir", str(bench.folder))
    assert document["schema"] == "sdsetup.model-check/1"
    assert document["ok"] is True
    assert document["files"] == [
        {
            "path": "model.safetensors",
            "size": len(TINY),
            "state": "known",
            "model": "tiny",
            "damage": None,
            "summary": "Tiny Diffusion",
            "fix": None,
        }
    ]
    bench.target.with_name("tiny.safetensors").write_bytes(TINY[:-1])
    bench.target.with_name("evil.ckpt").write_bytes(checkpoint(bad=True))
    bad = bench.json("check", "--dir", str(bench.folder), code=1)
    assert bad["ok"] is False
    fixes = {file["path"]: file["fix"] for file in bad["files"]}
    assert fixes["tiny.safetensors"]["command"] == "sdsetup model get tiny"
    text = bench.run("check", "--dir", str(bench.folder), code=1)
    assert "Files that need attention: 2 of 3" in text.stdout
    said = [line for line in text.stdout.splitlines() if "sdsetup model get" not in line]  # never folded
    assert max(map(len, said)) <= 80


def test_import(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "my own.safetensors"
    own.write_bytes(safetensors())
    document = bench.json("import", str(own), "--dir", str(bench.folder))
    assert document == {
        "schema": "sdsetup.model-import/1",
        "ok": True,
        "path": str(bench.target.with_name("my own.safetensors")),
        "how": "linked",
        "model": None,
        "scan": None,
    }
    pickle = tmp_path / "old.ckpt"
    pickle.write_bytes(checkpoint())
    refused = bench.run("import", str(pickle), "--dir", str(bench.folder), code=1)
    assert "--allow-pickle" in refused.stderr
    scanned = bench.json("import", str(pickle), "--dir", str(bench.folder), "--allow-pickle")
    assert scanned["scan"] == {"verdict": "clean", "dangerous": [], "unknown": []}


def test_a_pickle_with_names_that_nobody_knows(bench: Bench, tmp_path: Path) -> None:
    pickle = tmp_path / "old.ckpt"
    pickle.write_bytes(checkpoint(program=b"\x80\x02cldm.thing\nOne\n)R."))
    words = ("import", str(pickle), "--dir", str(bench.folder), "--allow-pickle")
    refused = bench.run(*words, code=1)
    assert "ldm.thing.One" in refused.stderr
    assert "code: pickle-unknown" in refused.stderr
    assert not bench.target.parent.exists()
    taken = bench.json(*words, "--trust", "ldm.thing.One")
    assert taken["scan"] == {"verdict": "unknown", "dangerous": [], "unknown": ["ldm.thing.One"]}
    (file,) = bench.json("check", "--dir", str(bench.folder), code=1)["files"]
    assert file["state"] == "pickle-unknown"


def test_a_name_that_leaves_the_folder(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(safetensors())
    for name in ("\\x", "\\\\server\\share\\x", "C:x", "../../x", "", "nul", ".git/x"):
        refused = bench.run("import", str(own), "--dir", str(bench.folder), f"--as={name}", code=1)
        assert "can't be used as a file name here" in " ".join(refused.stderr.split())
    assert list(bench.folder.iterdir()) == []


def test_nothing_secret_reaches_the_log(bench: Bench) -> None:
    path = "/org/tiny/resolve/" + "a" * 40 + "/tiny.safetensors"
    bench.hub.answer(path, status(401, X_Error_Code="GatedRepo"), redirect("/cdn?X-Amz-Signature=s3cret"))
    bench.hub.answer("/cdn", whole)
    bench.run("get", "tiny", "--dir", str(bench.folder), "--verbose", HF_TOKEN="hf_topsecret1")
    assert bench.hub.requests[1].headers["authorization"] == "Bearer hf_topsecret1"
    logs = "".join(path.read_text(encoding="utf-8") for path in Path(os.environ["SDSETUP_LOG_DIR"]).glob("*.log"))
    assert "/cdn" in logs
    assert "s3cret" not in logs
    assert "topsecret" not in logs
