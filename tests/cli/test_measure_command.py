"""`sdsetup tune --measure` as a person runs it: a played card, a real process for each candidate."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import documents
from installations import gone, installation, play, starts
from played_card import library, nvidia_smi
from sdsetup.cli.app import run
from sdsetup.values.corrections import Corrections, with_corrections
from sdsetup.workflows.measure import lesson_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NVIDIA's library is played by a shared object")

SRC = Path(__file__).parents[2] / "src"
GIB = 2**30
RTX_3070 = {
    "index": "0", "name": "NVIDIA GeForce RTX 3070", "driver_version": "551.52", "memory.total": "8192",
    "memory.used": "1024", "compute_cap": "8.6", "uuid": "GPU-1", "pci.bus_id": "00000000:01:00.0",
}  # fmt: skip
SMALL = """
[pictures.sd15]
width = 32
height = 32
steps = 2
count = 1
warm_up = 1
seed = 7
prompt = "a lighthouse"
"""
# Sliced attention of torch is fastest here; without xformers and without any it does not fit.
SCENARIO: dict[str, Any] = {
    "linger": 0.1,
    "seconds": [[["--opt-sdp-attention"], 0.02], [["--opt-sdp-no-mem-attention"], 0.3], [[], 0.6]],
    "card": {
        "total": 8 * GIB,
        "before": GIB,
        "takes": 0.26,
        "used": [
            [["--xformers"], 4 * GIB],
            [["--opt-sdp-attention"], 5 * GIB],
            [["--opt-sdp-no-mem-attention"], 5 * GIB],
            [[], 9 * GIB],
        ],
    },
}


@dataclass(frozen=True)
class Pc:
    """A computer with an RTX 3070 and an installation in `root`."""

    root: Path
    env: dict[str, str]
    card: Path

    @property
    def launch_file(self) -> bytes:
        return (self.root / "webui-user.sh").read_bytes()

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "sdsetup", *words, "--dir", str(self.root)]

    def sdsetup(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(self.argv(*words), env=self.env, capture_output=True, text=True, timeout=110)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended

    def measured(self, *words: str, code: int = 0) -> Any:
        return documents.document(self.sdsetup("tune", "--measure", "--json", *words, code=code).stdout)


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    root = installation(tmp_path / "sd", flags="--theme dark --no-half-vae", **SCENARIO)
    (root / "modules").mkdir()
    (root / "webui.py").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "measure.toml").write_text(SMALL)
    card = tmp_path / "card.txt"
    card.write_text(f"{GIB} {8 * GIB} {os.getpid()} {GIB // 2}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("COMMANDLINE")}
    env |= {"LD_LIBRARY_PATH": str(library(tmp_path).parent), "PLAYED_CARD": str(card), "PYTHONPATH": str(SRC)}
    env["PATH"] = os.pathsep.join([str(nvidia_smi(tmp_path, RTX_3070).parent), env["PATH"]])
    env |= {"SDSETUP_PROFILES": str(tmp_path / "profiles"), "COLUMNS": "80"}
    return Pc(root=root, env=env, card=card)


@pytest.mark.slow
def test_measured_shown_written_explained_and_undone(pc: Pc) -> None:
    pc.sdsetup("tune", "--apply", "--yes", "--quiet")
    before = pc.launch_file
    assert b"--xformers --medvram-sdxl" in before
    document = pc.measured()
    assert document["schema"] == "sdsetup.measure/1"
    assert document["before"]["used_bytes"] == GIB
    assert {one["bytes"] for one in document["before"]["programs"]} >= {GIB // 2, None}
    standings = {one["name"]: one["standing"] for one in document["measurements"]}
    # Two have the same attention and so take the same time: the clock chooses between them. What the others lost
    # for, time or memory, depends on when the card was looked at.
    first, second = (standings.pop(name) for name in ("attention-sdp", "safer"))
    assert {first, second} in ({"winner", "slower"}, {"winner", "tight"})
    assert standings.pop("attention-own") == "out-of-memory"
    assert set(standings) == {"rule", "attention-sdp-no-mem"} and set(standings.values()) <= {"slower", "tight"}
    assert "--opt-sdp-attention" in document["verdict"]["flags"]
    assert (document["written"], document["launch_files"]) == (False, [])
    assert pc.launch_file == before
    count = len(starts(pc.root))
    assert count == 5

    document = pc.measured("--yes")
    assert len(starts(pc.root)) == count, "what is remembered is not measured again"
    assert document["written"] and document["launch_files"] == [str(pc.root / "webui-user.sh")]
    assert b"--opt-sdp-attention" in pc.launch_file and b"--xformers" not in pc.launch_file
    assert b"--theme dark --no-half-vae" in pc.launch_file, "the person's own flags stay"
    (correction,) = json.loads((pc.root / ".sdsetup" / "learned.json").read_text())["lessons"]
    assert (
        correction["because"].startswith("Measured on this PC: ")
        and "faster than the recommended flags" in correction["because"]
    )
    after = pc.launch_file
    pc.sdsetup("tune", "--apply", "--yes", "--quiet")
    assert pc.launch_file == after, "the next tune keeps what was measured"
    assert "--apply" not in pc.sdsetup("tune").stdout, "what was measured is saved already"
    told = documents.document(pc.sdsetup("why", "--opt-sdp-attention", "--json").stdout)
    assert told["rule"] == "measured" and told["because"].startswith("Measured on this PC")

    assert pc.measured("--yes")["launch_files"] == []
    assert len(starts(pc.root)) == count
    assert documents.document(pc.sdsetup("undo", "--yes", "--json").stdout)["schema"] == "sdsetup.undone/1"
    assert pc.launch_file == before
    pc.sdsetup("tune", "--apply", "--yes", "--quiet")
    assert pc.launch_file == before, "what was learned is undone too"


def test_saved_settings_are_not_offered_again(pc: Pc) -> None:
    assert "--apply" in pc.sdsetup("tune").stdout
    pc.sdsetup("tune", "--apply", "--yes", "--quiet")
    assert "--apply" not in (out := pc.sdsetup("tune").stdout)
    assert "The launch file already has these settings" in out


def test_a_card_that_was_exchanged_is_not_measured(pc: Pc) -> None:
    pc.sdsetup("tune", "--apply", "--yes", "--quiet")
    record = pc.root / ".sdsetup" / "machine.json"
    record.write_text(record.read_text().replace('"card": null', '"card": "GeForce GTX 1060 6GB"'))
    assert pc.measured(code=1)["code"] == "card-changed"
    assert not (pc.root / "given.jsonl").exists()


@pytest.mark.slow
def test_what_a_person_reads(pc: Pc) -> None:
    out = " ".join(pc.sdsetup("tune", "--measure").stdout.split())
    for said in (
        "Measuring on NVIDIA GeForce RTX 3070",
        "makes the same 2 images of 32 x 32 pixels with 2 steps each",
        "Video memory already in use: 1 GB of 8 GB",
        "512 MB",
        "Unknown size: game.exe",
        "Close what you can",
        "recommended flags ... (about 9 min 00 s left, 5 more to try)",
        "the web UI's own attention: The graphics card ran out of video memory",
        "s/step",
        "steps/s",
        "The launch file was not changed.",
    ):
        assert said in out, out


@pytest.mark.slow
def test_ctrl_c_leaves_the_launch_file_and_goes_on_later(pc: Pc) -> None:
    play(pc.root, **{**SCENARIO, "seconds": [[["--opt-sdp-attention"], 60], [[], 0.1]]})
    before = pc.launch_file
    child = subprocess.Popen(
        pc.argv("tune", "--measure", "--yes"), env=pc.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not ((pc.root / "given.jsonl").exists() and len(starts(pc.root)) == 2):
        time.sleep(0.1)
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Stopped. Measured so far: 1. The launch file was not changed" in " ".join(said.split())
    assert pc.launch_file == before
    assert all(gone(given["pid"]) for given in starts(pc.root))
    play(pc.root, **SCENARIO)
    document = pc.measured("--yes")
    assert len(document["measurements"]) == 5 and document["written"]
    assert len(starts(pc.root)) == 6


@pytest.mark.slow
def test_nothing_works(pc: Pc) -> None:
    play(pc.root, start="silent-exit", code=9)
    before = pc.launch_file
    document = pc.measured("--yes", code=1)
    assert document["verdict"] is None and document["written"] is False
    assert document["measurements"][0]["problem"] == "the web UI exited with code 9"
    assert pc.launch_file == before
    play(pc.root, **SCENARIO)
    assert pc.measured()["verdict"] is not None, "it is tried again once it is repaired"
    count = len(starts(pc.root))
    own = pc.launch_file.replace(b"--theme dark", b"--theme dark --opt-sub-quad-attention --lowvram")
    (pc.root / "webui-user.sh").write_bytes(own)
    told = pc.sdsetup("tune", "--measure", "--again", "--json", "--yes").stderr
    assert "Your own --lowvram will be removed from the launch file" in " ".join(told.split())
    assert b"--lowvram" not in pc.launch_file and b"--theme dark" in pc.launch_file
    assert len(starts(pc.root)) == count + 5


def test_a_model_of_another_class_is_not_measured(pc: Pc) -> None:
    play(pc.root, **SCENARIO, config="sd_xl_base.yaml")
    said = pc.sdsetup("tune", "--measure", code=1).stderr
    assert "model-class-differs" in said and "--model-class sdxl" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--gpu", "RTX 3060"), 2, "measure-elsewhere"),
        (("--vram", "8"), 2, "measure-elsewhere"),
        (("--apply",), 2, "options-clash"),
        (("--compare", "article-2023"), 2, "options-clash"),
        ((), 1, "no-installation"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(["tune", "--measure", "--dir", str(tmp_path), *words]) == code
    shown = capsys.readouterr()
    assert said in shown.err and shown.out == ""


def test_a_lesson_keeps_the_winner_whatever_the_rules_say_later() -> None:
    from decide.test_measuring_candidates import Card, measure, played, trial_for
    from sdsetup.decide.measuring.winner import choose
    from sdsetup.values.corrections import card_name

    trial = trial_for("NVIDIA GeForce RTX 3070", 8)
    card = Card(memory=8, attention=("--opt-sdp-attention", "--xformers"))
    verdict = choose(played(trial, card), measure())
    assert verdict is not None and "--opt-sdp-attention" in verdict.winner.candidate.flags
    decided = ("--xformers", "--opt-sdp-attention", "--opt-sdp-no-mem-attention", "--medvram", "--medvram-sdxl")
    correction = lesson_of(trial.tuning, decided, verdict)
    learned = Corrections(card=card_name(trial.tuning.gpu)).plus(correction).plus(correction)
    assert learned.corrections == (correction,)
    assert set(with_corrections(trial.tuning, learned).flags) == set(verdict.winner.candidate.flags)
