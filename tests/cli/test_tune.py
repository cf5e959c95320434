"""`sdsetup tune` and `sdsetup why` from the outside: what they print, and what they end with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import documents
from sdsetup.cli.app import run
from sdsetup.rehearsal.stand_ins import make_repository, webui_files
from sdsetup.values.facts import GIB, Facts, Gpu, Memory, System
from sdsetup.values.facts_json import machine_json


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    """The one JSON document that a command prints."""
    assert run([*words, "--json"]) == code
    return documents.document(capsys.readouterr().out)


def failed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    assert run(list(words)) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    return " ".join(shown.err.split())


PC = ("--os", "windows", "--ram", "32")


def test_the_document_has_what_the_contract_names(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "RTX 3060", "--vram", "12", *PC)
    assert {
        "schema", "profile", "machine", "tier", "flags", "env", "torch", "warnings", "unsupported", "reasons",
        "launcher",
    } <= set(document)  # fmt: skip
    assert document["schema"] == "sdsetup.tune/1"
    assert document["profile"] == "current"
    assert document["flags"] == ["--xformers"]
    assert document["env"]["SAFETENSORS_FAST_GPU"] == "1"
    assert document["torch"] == {
        "family": "cu121-2.1",
        "torch": "2.1.2+cu121",
        "torchvision": "0.16.2+cu121",
        "xformers": "0.0.23.post1",
        "index_url": "https://download.pytorch.org/whl/cu121",
        "command": "pip install torch==2.1.2+cu121 torchvision==0.16.2+cu121 "
        "--index-url https://download.pytorch.org/whl/cu121",
    }
    (gpu,) = document["machine"]["gpus"]
    assert {
        "vendor": "nvidia", "name": "NVIDIA GeForce RTX 3060", "vram_bytes": 12 * GIB,
        "compute_capability": "8.6", "driver_version": None, "cuda_version": None, "source": "what-if",
    }.items() <= gpu.items()  # fmt: skip
    assert all(set(reason) == {"setting", "rule", "because", "source"} for reason in document["reasons"])
    assert document["warnings"] == [] and document["unsupported"] is None
    assert "set COMMANDLINE_ARGS=--xformers" in document["launcher"]
    assert "\r\n" in document["launcher"]


@pytest.mark.parametrize(
    ("size", "flags"),
    [
        ("2", ["--xformers", "--lowvram", "--no-half-vae"]),
        ("3", ["--xformers", "--lowvram", "--no-half-vae"]),
        ("4", ["--xformers", "--medvram", "--no-half-vae"]),
        ("8", ["--xformers", "--medvram", "--no-half-vae"]),
        ("8GB", ["--xformers", "--medvram", "--no-half-vae"]),
        ("7,9 GiB", ["--xformers", "--medvram", "--no-half-vae"]),
        ("8 ГБ", ["--xformers", "--medvram", "--no-half-vae"]),
        ("8192 МБ", ["--xformers", "--medvram", "--no-half-vae"]),
        ("8192 MiB", ["--xformers", "--medvram", "--no-half-vae"]),
        ("12", ["--xformers", "--no-half-vae"]),
        ("24", ["--xformers", "--no-half-vae"]),
    ],
)
def test_memory_alone_answers_as_the_article_would(
    capsys: pytest.CaptureFixture[str], size: str, flags: list[str]
) -> None:
    document = asked(capsys, "tune", "--vram", size, *PC)
    assert document["flags"] == flags
    assert document["env"]["SAFETENSORS_FAST_GPU"] == "1"
    reason = next(one for one in document["reasons"] if one["setting"] == "SAFETENSORS_FAST_GPU")
    assert "no effect since safetensors 0.3.0" in reason["because"]


def test_a_value_and_its_flag_are_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--use-cpu all" in asked(capsys, "tune", "--gpu", "GT 710", *PC)["flags"]


def test_a_radeon_on_windows_is_refused_with_the_fork(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "RX 6700 XT", *PC)
    assert "stable-diffusion-webui-amdgpu" in document["unsupported"]["instead"]
    assert [warning["topic"] for warning in document["warnings"]] == ["amd-windows", "cpu-slow"]


def test_what_has_no_torch_at_all_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "GB10", "--os", "linux")
    assert document["torch"] is None and document["flags"] == [] and document["unsupported"] is not None


def test_several_cards(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "GTX 1080", "--gpu", "RTX 5070", "--vram", "8", "--vram", "12", *PC)
    assert document["gpu"] == "NVIDIA GeForce RTX 5070"
    assert document["env"]["CUDA_VISIBLE_DEVICES"] == "1"
    assert not any(flag.startswith("--device-id") for flag in document["flags"])


def test_model_class_driver_and_memory_are_supposed(capsys: pytest.CaptureFixture[str]) -> None:
    card = ("tune", "--gpu", "RTX 3060", "--vram", "12", "--os", "windows")
    assert asked(capsys, *card, "--driver", "516.94")["torch"]["family"] == "cu118-2.1"
    assert asked(capsys, *card, "--ram", "8")["warnings"][0]["topic"] == "ram"
    laptop = ("tune", "--gpu", "RTX 2060", "--vram", "6", *PC)
    assert "--medvram-sdxl" in asked(capsys, *laptop, "--model-class", "sdxl")["flags"]
    assert "--medvram" in asked(capsys, *laptop)["flags"]


def test_a_name_with_several_sizes_takes_the_smallest_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "RTX 5060 Ti", *PC)
    assert document["tier"] == "8gb"
    assert [warning["topic"] for warning in document["warnings"]] == ["vram-unknown"]
    assert asked(capsys, "tune", "--gpu", "RTX 5060 Ti 16GB", *PC)["tier"] == "12gb"


def test_two_profiles_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "RTX 5070", *PC, "--compare", "article-2023")
    assert document["flags"] == ["--opt-sdp-attention"]
    other = document["compare"]
    assert other["profile"] == "article-2023" and other["flags"] == ["--xformers"]
    found = {one["setting"]: one for one in other["differences"]}
    assert "ignores --xformers" in found["--xformers"]["because"]
    assert "twice as fast" in found["--xformers"]["their_because"]
    article = asked(capsys, "tune", "--gpu", "GTX 970", *PC, "--profile", "article-2023")
    assert article["profile"] == "article-2023" and "--precision full" in article["flags"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--gpu", "580"), "580 matches several graphics cards: GeForce GTX 580, Radeon RX 580"),
        (("--gpu", "RTX 3600"), "Did you mean GeForce RTX 3060"),
        (("--gpu", "RTX 5060 Tii"), "Did you mean GeForce RTX 5060 Ti"),
        (("--gpu", "Voodoo 2"), "No graphics card named Voodoo 2 is known"),
        (("--os", "dos"), "Use one of: windows, linux, wsl, macos"),
        (("--model-class", "flux"), "another program for them: ComfyUI or Forge"),
        (("--model-class", "sd9"), "Use one of: sd15, sdxl"),
        (("--driver", "newest"), "newest is not a driver version"),
        (("--vram", "0"), "--vram 0 is not a memory size"),
        (("--profile", "mine"), "Use one of: article-2023, current"),
        (("--vram", "eight"), '"eight" is not a memory size'),
        (("--vram", "999"), "--vram 999 is not a memory size"),
        (("--vram", "9" * 5000), f'"{"9" * 40}..." is not a memory size'),
        (("--gpu", "rtx"), " cards: "),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert said in failed(capsys, "tune", *words)


def test_the_machine_of_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    there = Facts(
        system=System(family="windows", arch="AMD64"),
        gpus=(
            Gpu(vendor="nvidia", name="NVIDIA GeForce GTX 1650", vram_bytes=4 * GIB, driver_version="551.52",
                compute_capability=(7, 5), source="nvml", index=0),
        ),
        memory=Memory(total_bytes=16 * GIB),
    )  # fmt: skip
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"machine": machine_json(there)}), encoding="utf-8")
    document = asked(capsys, "tune", "--facts", str(report))
    assert document["flags"] == ["--xformers", "--medvram", "--upcast-sampling", "--no-half-vae"]
    report.write_text("no JSON", encoding="utf-8")
    assert "facts-unreadable" in failed(capsys, "tune", "--facts", str(report), code=1)
    report.write_text('{"machine": 5}', encoding="utf-8")
    assert "facts-invalid" in failed(capsys, "tune", "--facts", str(report), code=1)


def test_a_folder_over_the_profiles(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    mine = tmp_path / "tuning" / "current.toml"
    mine.write_text('[rules.attention-xformers]\nflags = ["--opt-sdp-attention"]\n', encoding="utf-8")
    card = ("tune", "--gpu", "RTX 3060", "--vram", "12", *PC, "--profiles", str(tmp_path))
    document = asked(capsys, *card)
    assert document["flags"] == ["--opt-sdp-attention"]
    assert document["torch"]["xformers"] is None
    mine.write_text('[rules.attention-xformers]\nflags = ["--xfromers"]\nwen = 1\n', encoding="utf-8")
    said = failed(capsys, *card, code=1)
    assert "2 problem(s)" in said and "rules.attention-xformers.wen: unknown key" in said
    assert "rules.attention-xformers.flags: '--xfromers' is not a known flag" in said


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a launch file of the person's own."""
    make_repository(tmp_path / "webui.git", webui_files(), tag="v1", git="git")
    folder = tmp_path / "ui"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "webui.git"), str(folder)], check=True)
    own = '#!/bin/bash\nexport COMMANDLINE_ARGS="--listen --lowvram"\nexport MINE=1\n'
    (folder / "webui-user.sh").write_text(own, encoding="utf-8")
    return folder


def test_the_persons_launch_file_is_kept_and_clashes_are_said(
    capsys: pytest.CaptureFixture[str], checkout: Path
) -> None:
    before = (checkout / "webui-user.sh").read_bytes()
    words = ("--dir", str(checkout), "--gpu", "RTX 2060", "--vram", "6", "--os", "linux")
    document = asked(capsys, "tune", *words)
    assert "--listen" in document["launcher"] and "export MINE=1" in document["launcher"]
    assert "--medvram" in document["launcher"]
    assert "--lowvram" not in document["launcher"]  # as `--apply` would leave it
    assert any("replaces your own --lowvram" in warning["text"] for warning in document["warnings"])
    assert (checkout / "webui-user.sh").read_bytes() == before
    told = asked(capsys, "why", "--listen", *words)
    assert (told["set_by"], told["value"]) == ("person", "")


def test_settings_of_a_described_pc_are_not_written_here_without_a_word(
    capsys: pytest.CaptureFixture[str], checkout: Path
) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    for described in (["--gpu", "RTX 3060"], ["--vram", "8"]):
        assert run(["tune", "--apply", "--yes", "--dir", str(checkout), "--os", "linux", *described]) == 2
        assert "described-not-here" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before


def test_apply_writes_the_launch_file(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    words = ["tune", "--apply", "--anyway", "--dir", str(checkout), "--gpu", "RTX 3070", "--os", "linux"]
    assert run(words) == 2  # nobody is there to agree
    assert "consent-needed" in capsys.readouterr().err
    assert run([*words, "--yes", "--quiet"]) == 0
    text = (checkout / "webui-user.sh").read_text(encoding="utf-8")
    assert "--xformers" in text and "--medvram-sdxl" in text and "--listen" in text and "export MINE=1" in text


@pytest.mark.skipif(os.name == "nt", reason="the usual folder is at the top of a drive there")
@pytest.mark.parametrize("more", [(), ("--facts",)])
def test_apply_without_a_folder_says_what_it_says_with_one(
    capsys: pytest.CaptureFixture[str], checkout: Path, own_home: Path, more: tuple[str, ...]
) -> None:
    folder = own_home / "stable-diffusion-webui"
    checkout.rename(folder)
    if more:
        facts = own_home / "facts.json"
        facts.write_text('{"system": {"family": "linux"}, "gpus": []}')
        more = (*more, str(facts))
    assert (
        run(["tune", "--apply", "--anyway", "--yes", "--gpu", "RTX 2060", "--vram", "6", "--os", "linux", *more])
        == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "replaces your own" in said
    assert said.index("replaces your own") < said.index("Launch file")
    assert "--lowvram" not in (folder / "webui-user.sh").read_text(encoding="utf-8")


def test_a_record_of_somebody_elses_web_ui_holds_what_lies_there(
    capsys: pytest.CaptureFixture[str], checkout: Path
) -> None:
    (checkout / "venv" / "lib" / "python3.10" / "site-packages" / "torch-1.13.1+cu117.dist-info").mkdir(
        parents=True
    )
    words = [
        "tune",
        "--apply",
        "--anyway",
        "--yes",
        "--dir",
        str(checkout),
        "--gpu",
        "RTX 2060",
        "--vram",
        "6",
        "--os",
        "linux",
    ]
    assert run(words) == 0
    record = json.loads((checkout / ".sdsetup" / "machine.json").read_text())
    head = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True)
    assert (record["card"], record["torch"]) == (None, "1.13.1+cu117")
    assert record["versions"]["webui"] == head.stdout.strip()
    capsys.readouterr()


def test_apply_without_a_web_ui_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["tune", "--vram", "8", "--apply", "--anyway", "--yes", "--quiet", "--dir", str(tmp_path)]) == 1
    assert "no-installation" in capsys.readouterr().err


def test_the_table_shows_what_changes_and_what_stays(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    assert run(["tune", "--dir", str(checkout), "--gpu", "RTX 2060", "--vram", "6", "--os", "linux"]) == 0
    rows = {line.split()[0]: line.split()[1:3] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["--medvram"] == ["-", "on"]
    assert rows["--lowvram"] == ["on", "-"]
    assert "--listen" not in rows
    assert rows["Your"][:2] == ["own", "settings"]


def test_a_size_that_was_never_sold_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "tune", "--gpu", "RTX 4060 Ti", "--vram", "12", *PC)
    assert [warning["topic"] for warning in document["warnings"]] == ["vram-size"]
    assert "8 GB or 16 GB" in document["warnings"][0]["text"]


def test_pony_is_sdxl(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("tune", "--gpu", "RTX 2060", "--vram", "6", *PC, "--model-class")
    assert asked(capsys, *words, "Pony")["flags"] == asked(capsys, *words, "sdxl")["flags"]


def test_which_models_fit(capsys: pytest.CaptureFixture[str]) -> None:
    def fits(*words: str) -> list[str]:
        return [row["fits"] for row in asked(capsys, "tune", *words, *PC)["models"]]

    assert fits("--gpu", "RTX 4090") == ["yes", "yes", "elsewhere"]
    assert fits("--gpu", "GTX 1060 6GB") == ["yes", "slow", "elsewhere"]
    assert fits("--gpu", "MX150", "--vram", "2") == ["slow", "no", "elsewhere"]
    assert fits("--gpu", "RX 6700 XT") == ["slow", "slow", "elsewhere"]


def test_why_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    told = asked(capsys, "why", "xformers", "--gpu", "RTX 3060", "--vram", "12", *PC)
    assert told["schema"] == "sdsetup.why/1"
    assert (told["setting"], told["value"], told["set_by"]) == ("--xformers", "", "rule")
    assert told["rule"] == "attention-xformers" and told["source"].startswith("https://")
    assert told["without_rule"][0]["setting"] == "--xformers"
    told = asked(capsys, "why", "torch", "--gpu", "RTX 5070", *PC)
    assert told["value"] == "2.7.0+cu128" and "RTX 50" in told["because"]
    assert "setting-unknown" in failed(capsys, "why", "--nothing-such")


def test_people_read_it_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "--gpu", "GTX 1070", *PC]) == 0
    out = capsys.readouterr().out
    assert "Settings for GeForce GTX 1070, 8 GB on Windows" in out
    assert "--medvram-sdxl" in out and "sdsetup why --xformers --gpu" in out
    assert run(["why", "--medvram", "--gpu", "GTX 1070", *PC]) == 0
    assert "--medvram is not used on purpose" in capsys.readouterr().out
