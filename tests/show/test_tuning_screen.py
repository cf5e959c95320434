"""Whole screens of the tuning, 80 columns wide, without colour."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from decide.tuning_machines import gpu
from decide.tuning_tables import known, rules, tuned
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.why import compare, explain
from sdsetup.show.questions import ask_size
from sdsetup.show.screen import Screen
from sdsetup.show.tuning import show_comparison, show_next, show_tuning, subject
from sdsetup.show.tuning_why import show_why
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Gpu, System


def screen(**more: bool) -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    console = Console(file=written, width=80, color_system=None, highlight=False, emoji=False, markup=False)
    return Screen(console=console, **more), written


def lines(written: io.StringIO) -> list[str]:
    return [line.rstrip() for line in written.getvalue().splitlines()]


WINDOWS = System(family="windows", arch="x86_64")
GTX1070 = Facts(system=WINDOWS, gpus=(gpu("NVIDIA GeForce GTX 1070", 8, driver_version="551.52", source="nvml"),))


def test_the_whole_screen() -> None:
    drawn, written = screen()
    tuning = tuned(GTX1070)
    show_tuning(tuning, GTX1070, "set COMMANDLINE_ARGS=...\r\n", drawn)
    show_next(tuning, ("--dir", "D:/AI pictures"), drawn, here=True)
    assert (
        lines(written)
        == """\
Settings for GeForce GTX 1070, 8 GB on Windows, Stable Diffusion 1.5

Setting                Value        Why
--xformers             on           least memory, fastest on this card
--medvram-sdxl         on           saves memory for SDXL only
--no-half-vae          on           prevents black images
torch                  2.1.2+cu121  fits this PC
SAFETENSORS_FAST_GPU   1            common in guides; no effect
STABLE_DIFFUSION_REPO  set          the original address was deleted
GIT_TERMINAL_PROMPT    0            Git stops instead of waiting
no_proxy               set          works behind a proxy
! Drivers newer than the 580.xx series don't support GeForce GTX 1070, and newer
PyTorch builds won't either.

To save these settings in the launch file:
  sdsetup tune --apply --dir "D:/AI pictures"
All reasons and the launch file: add -v
Why a setting was chosen:
  sdsetup why --xformers --dir "D:/AI pictures\"""".splitlines()
    )


def test_what_the_launch_file_has_already_is_not_offered() -> None:
    drawn, written = screen()
    show_next(tuned(GTX1070), (), drawn, here=True, saved=True)
    assert lines(written)[1] == "✓ The launch file already has these settings"
    assert "--apply" not in written.getvalue()


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (gpu("NVIDIA H200", 140.4, source="nvml"), "Settings for H200, 141 GB on Linux, Stable Diffusion 1.5"),
        (
            gpu(None, 16, vendor="amd", source="sysfs", pci_id="7999"),
            "Settings for a graphics card (model unknown), 16 GB on Linux, Stable Diffusion 1.5",
        ),
    ],
)
def test_what_the_answer_is_for(card: Gpu, said: str) -> None:
    facts = Facts(system=System(family="linux", arch="x86_64"), gpus=(card,))
    assert str(subject(tuned(facts), facts)) == said


def test_a_refusal_comes_first() -> None:
    facts = Facts(system=WINDOWS, gpus=(gpu("NVIDIA GB10", None),))
    drawn, written = screen()
    tuning = tuned(facts)
    show_tuning(tuning, facts, "", drawn)
    show_next(tuning, "", drawn, here=False)
    shown = lines(written)
    assert shown[2].startswith("✗ GB10 is in a computer with an ARM CPU")
    assert not any("Launch flags" in line or "--apply" in line for line in shown)
    assert shown[-1] == "Settings for the PC you described. This PC was not changed."


def test_quiet_is_the_flags_and_verbose_adds_sources_and_the_file() -> None:
    drawn, written = screen(quiet=True)
    show_tuning(tuned(GTX1070), GTX1070, "", drawn)
    assert lines(written)[:2] == [
        "Settings for GeForce GTX 1070, 8 GB on Windows, Stable Diffusion 1.5",
        "--xformers --medvram-sdxl --no-half-vae",
    ]
    drawn, written = screen(verbose=True)
    show_tuning(tuned(GTX1070), GTX1070, "@echo off\r\nset COMMANDLINE_ARGS=--xformers\r\n", drawn)
    shown = lines(written)
    assert "      rule memory-8;" in shown  # its address stands whole on the next line
    assert "  set COMMANDLINE_ARGS=--xformers" in shown


def test_two_profiles() -> None:
    mine, theirs = tuned(GTX1070), tuned(GTX1070, "article-2023")
    drawn, written = screen()
    show_comparison(mine, theirs, compare(mine, theirs), drawn)
    shown = lines(written)
    assert shown[0] == "GeForce GTX 1070, 8 GB: current and article-2023 compared"
    table = {
        line.split()[0]: line.split()[1:] for line in shown[3:] if line.startswith("--") and len(line.split()) == 3
    }
    assert table == {
        "--xformers": ["yes", "yes"],
        "--medvram-sdxl": ["yes", "-"],
        "--no-half-vae": ["yes", "yes"],
        "--medvram": ["-", "yes"],
    }
    assert "  article-2023 has no rule for it." in shown
    assert all(len(line) <= 80 for line in shown)
    drawn, written = screen()
    show_comparison(mine, mine, (), drawn)
    assert lines(written)[-1] == "No differences"


def test_why() -> None:
    tuning = tuned(GTX1070)
    told = explain("--no-half-vae", tuning, known(), lambda rule: tune(GTX1070, rules().without(rule)))
    drawn, written = screen()
    show_why(told, tuning, GTX1070, drawn)
    assert (
        lines(written)
        == """\
--no-half-vae is set
Settings for GeForce GTX 1070, 8 GB on Windows, Stable Diffusion 1.5

  why:     On GTX 10 cards, half precision in the last stage gains no speed and
           can give black images. For more speed, try --upcast-sampling.
  set by:  rule precision-pascal in the profile current
  effect:  the web UI computes the last stage, which produces the image, in full
           precision.
  without: that stage runs in half precision, which gives black images with some
           cards and models; the web UI then repeats it.
  source:  https://github.com/AUTOMATIC1111/stable-diffusion-webui/pull/6055""".splitlines()
    )


def test_a_size_is_asked_until_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "16" means 16 GB, not the sixteenth of a list, and nonsense is asked again."""
    for typed, wanted in (
        ("16\n", 16.0),
        ("16 GB\n", 16.0),
        ("16 ГБ\n", 16.0),
        ("3\nlots\n8g\n", 8.0),
        ("\n", None),
        ("9", None),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        drawn, written = screen()
        assert ask_size(drawn, Text("How many GB?"), (8.0, 16.0)) == wanted
        assert written.getvalue().count("[8/16]") == max(1, typed.count("\n") + (not typed.endswith("\n")) * 2)
