"""The proof picture, made by a real process over a real socket, with faults on order."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from installations import context, failure_book, gone, installation, starts
from sdsetup.decide.picture import Proof, decode_png
from sdsetup.errors import SdsetupError
from sdsetup.execute.webui.painting import Patience
from sdsetup.execute.webui.picture import PictureError, prove
from sdsetup.launchfile import LaunchFile
from sdsetup.values.events import Event
from sdsetup.values.plan import ProvePicture

BOOK = failure_book()
SMALL = ProvePicture(width=32, height=32, steps=4, seed=42)
OOM = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB."


def proved(
    root: Path,
    *flags: str,
    said: list[Event] | None = None,
    patience: Patience | None = None,
    env: dict[str, str] | None = None,
) -> Proof:
    seen = LaunchFile(kind="sh", flags=(), env={"SOME_THING": "x"})
    return prove(SMALL, context(root, said, env), flags=flags, seen=seen, book=BOOK, patience=patience)


def flag_sets(root: Path) -> list[list[str]]:
    """The flags of each start, less those of every proof."""
    sets = []
    for given in starts(root):
        arguments = given["arguments"]
        sets.append(arguments[: arguments.index("--api")])
    return sets


def all_gone(root: Path) -> bool:
    return all(gone(given["pid"]) for given in starts(root))


def test_a_picture_proves_it(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", cuda={"reserved": {"current": 1, "peak": 4_321_000_000}})
    said: list[Event] = []
    proof = proved(root, "--xformers", "--port 7860", "--listen", said=said)
    assert proof.picture is not None
    made = Path(proof.picture)
    assert made.parent == root / ".sdsetup" / "proof"
    assert decode_png(made.read_bytes()).width == 32
    assert proof.kept.outcome == "good"
    assert proof.seconds is not None and proof.seconds > 0
    assert (proof.kept.peak_bytes, proof.kept.memory) == (4_321_000_000, "vram")
    assert proof.kept.model_seconds == 9.6
    assert not proof.changed
    assert str(said[0].text) == "Starting the web UI for a test image."
    json.dumps(proof.result())
    assert flag_sets(root) == [["--xformers"]]
    given = starts(root)[0]
    assert given["env"]["SOME_THING"] == "x"
    assert all_gone(root)


def test_only_our_own_folder_is_written(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "config.json").write_text('{"samples_format": "jpg", "CLIP_stop_at_last_layers": 2}')
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    proved(root)
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    after = {path for path in files if before.get(path) != path.stat().st_mtime_ns}
    assert {path.relative_to(root).parts[0] for path in after} == {".sdsetup", "given.jsonl", "loaded.json"}
    arguments = starts(root)[0]["arguments"]
    own = json.loads(Path(arguments[arguments.index("--ui-settings-file") + 1]).read_text())
    assert own["samples_format"] == "png"
    assert own["CLIP_stop_at_last_layers"] == 2


def test_without_a_card_the_main_memory_is_told(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    proof = proved(root, "--skip-torch-cuda-test", "--use-cpu all", "--no-half")
    assert proof.kept.memory == "ram"
    assert proof.kept.peak_bytes is not None and proof.kept.peak_bytes > 2**20
    assert flag_sets(root) == [["--skip-torch-cuda-test", "--use-cpu", "all", "--no-half"]]


@pytest.mark.parametrize("kind", ["black", "green"])
def test_a_broken_picture_is_cured_step_by_step(tmp_path: Path, kind: str) -> None:
    pictures = [[["--upcast-sampling"], "noise"], [[], kind]]
    root = installation(tmp_path / "sd", pictures=pictures)
    said: list[Event] = []
    proof = proved(root, "--xformers", said=said)
    assert [attempt.outcome for attempt in proof.attempts] == [{"green": "constant"}.get(kind, kind)] * 2 + [
        "good"
    ]
    assert proof.added == ("--no-half-vae", "--upcast-sampling")
    assert flag_sets(root)[-1] == ["--xformers", "--no-half-vae", "--upcast-sampling"]
    assert [reason.setting for reason in proof.reasons] == ["--no-half-vae", "--upcast-sampling"]
    assert any("Trying again with --no-half-vae" in str(event.text) for event in said)
    assert all_gone(root)


def test_what_stays_black_is_an_error_that_shows_the_picture(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[[], "black"]])
    with pytest.raises(PictureError) as failed:
        proved(root)
    assert failed.value.code == "picture-black"
    assert Path(failed.value.where or "").exists()
    assert len(failed.value.attempts) == 4
    assert failed.value.attempts[-1].flags == ("--no-half",)
    assert all_gone(root)


@pytest.mark.parametrize(
    ("kind", "tried"),
    [("nan-vae", [[], ["--no-half-vae"]]), ("nan-unet", [[], ["--upcast-sampling"]])],
)
def test_nan_is_cured_where_it_arises(tmp_path: Path, kind: str, tried: list[list[str]]) -> None:
    root = installation(tmp_path / "sd", pictures=[[tried[-1], "noise"], [[], kind]])
    proof = proved(root)
    assert flag_sets(root) == tried
    assert proof.attempts[0].diagnosis is not None
    assert proof.attempts[0].diagnosis.id == kind


def test_memory_that_runs_out_goes_one_tier_down(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[["--medvram"], "noise"], [[], "oom"]])
    proof = proved(root, "--medvram-sdxl", "--xformers")
    assert flag_sets(root) == [["--medvram-sdxl", "--xformers"], ["--xformers", "--medvram"]]
    assert (proof.added, proof.dropped) == (("--medvram",), ("--medvram-sdxl",))
    assert str(proof.reasons[0].because).startswith("The graphics card ran out of video memory. Adding --medvram")


def test_memory_that_runs_out_while_the_model_loads_counts_too(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", model="failed", model_error=OOM, config="sd_xl_base.yaml")
    with pytest.raises(PictureError) as failed:
        proved(root, "--medvram")
    assert failed.value.code == "out-of-memory"
    assert [attempt.flags for attempt in failed.value.attempts] == [("--medvram",), ("--lowvram",)]
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.id == "video-memory"


def test_a_repaired_picture_gets_the_flag_that_saves_the_repair(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[["--no-half-vae"], "noise"], [[], "repaired"]])
    proof = proved(root)
    assert [attempt.good for attempt in proof.attempts] == [True, True]
    assert proof.added == ("--no-half-vae",)


@pytest.mark.parametrize(
    ("scenario", "code", "diagnosis"),
    [
        ({"pictures": [[[], "error"]]}, "picture-failed", None),
        ({"pictures": [[[], "garbage"]]}, "picture-failed", None),
        ({"pictures": [[[], "die"]]}, "webui-died", "cuda-trouble"),
        ({"pictures": [[[], "vanish"]]}, "webui-died", None),
        ({"start": "silent-exit", "code": 3}, "webui-died", None),
        (
            {"model": "failed", "model_error": "_pickle.UnpicklingError: invalid load key, '<'."},
            "picture-failed",
            "damaged-model",
        ),
    ],
)
def test_what_no_flag_cures_is_told_at_once(
    tmp_path: Path, scenario: dict[str, Any], code: str, diagnosis: str | None
) -> None:
    root = installation(tmp_path / "sd", **scenario)
    with pytest.raises(PictureError) as failed:
        proved(root)
    assert failed.value.code == code
    assert len(failed.value.attempts) == 1
    assert (failed.value.diagnosis.id if failed.value.diagnosis else None) == diagnosis
    assert failed.value.hint
    assert all_gone(root)


@pytest.mark.parametrize("scenario", [{"start": "hang"}, {"pictures": [[[], "hang"]]}])
def test_what_hangs_has_a_limit(tmp_path: Path, scenario: dict[str, Any]) -> None:
    root = installation(tmp_path / "sd", **scenario)
    with pytest.raises(PictureError) as failed:
        proved(
            root, patience=Patience(start=3, model=3, picture=1) if "start" in scenario else Patience(picture=1)
        )
    assert failed.value.code == "picture-slow"
    assert all_gone(root)


def test_a_model_that_is_never_mentioned_is_loaded_by_asking(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", model="never")
    assert proved(root, patience=Patience(unannounced=0.5)).kept.good


def test_a_proxy_is_not_asked_for_this_computer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        root = installation(tmp_path / "sd")
        proof = proved(root, env={"HTTP_PROXY": proxy, "http_proxy": proxy, "ALL_PROXY": proxy})
    assert proof.kept.good
    given = starts(root)[0]["env"]
    assert "127.0.0.1" in given["NO_PROXY"]


def test_ctrl_c_ends_the_web_ui_too(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", grandchild=True)

    def stop(event: Event) -> None:
        if "Loading the model" in str(event.text):
            raise KeyboardInterrupt

    ctx = context(root)
    with pytest.raises(KeyboardInterrupt):
        prove(
            SMALL,
            type(ctx)(dir=ctx.dir, tools=ctx.tools, cache=ctx.cache, machine=ctx.machine, listen=stop),
            flags=(),
            seen=LaunchFile(kind="sh", flags=(), env={}),
            book=BOOK,
        )
    assert all_gone(root)
    assert gone(starts(root)[0]["grandchild"])


def test_a_folder_without_a_web_ui_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SdsetupError) as refused:
        proved(tmp_path)
    assert refused.value.code == "webui-missing"
