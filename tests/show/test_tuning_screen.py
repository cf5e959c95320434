"""Whole screens of the tuning, 80 columns wide, without colour."""

from __future__ import annotations

import io

from rich.console import Console

from decide.tuning_machines import gpu
from decide.tuning_tables import builds, gpus, known, profile, tuned
from sdsetup.decide.facts import Facts, System
from sdsetup.decide.tuning.compare import compare
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.why import explain
from sdsetup.show.screen import Screen
from sdsetup.show.tuning import show_comparison, show_next, show_tuning
from sdsetup.show.tuning_why import show_why


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

Launch flags
  --xformers
      On GeForce GTX 1070 xformers needs the least memory and is the fastest
      choice; the web UI accepts it for compute capability 6.0 to 9.0, and this
      one has 6.1.
  --medvram-sdxl
      8 GB is plenty for Stable Diffusion 1.5, which keeps full speed; SDXL
      models get the saving they need.
  --no-half-vae
      GTX 10 cards gain nothing from half precision in the last stage, and it
      can give black pictures. --upcast-sampling is worth a try for speed.

PyTorch
  torch 2.1.2+cu121, torchvision 0.16.2+cu121, xformers 0.0.23.post1
      torch 2.1.2+cu121 is the version AUTOMATIC1111 v1.10.1 is tested with;
      this build has code for GeForce GTX 1070 and runs on any driver from
      528.33 on.

Variables
  SAFETENSORS_FAST_GPU=1
      Guides tell everybody to set it, so here it is; it has had no effect since
      safetensors 0.3.0, and this web UI uses 0.4.2.
  STABLE_DIFFUSION_REPO=https://github.com/w-e-w/stablediffusion.git
      The address that the web UI asks for this code is gone since December
      2025; this copy is kept by one of its maintainers.
  GIT_TERMINAL_PROMPT=0
      When an address is gone git asks for a user name and waits; so it fails at
      once and says what is wrong.
  no_proxy=localhost,127.0.0.1,::1
      Behind a proxy the web UI cannot reach itself and stops with "When
      localhost is not accessible".

! legacy-gpu: NVIDIA's driver branch 580 is the last for GeForce GTX 1070: newer
drivers do not know it, and neither will newer torch builds.

To write it into the launch file:
  sdsetup tune --apply --dir "D:/AI pictures"
Where a setting comes from, and what changes without it:
  sdsetup why --xformers --dir "D:/AI pictures\"""".splitlines()
    )


def test_a_refusal_comes_first() -> None:
    facts = Facts(system=WINDOWS, gpus=(gpu("NVIDIA GB10", None),))
    drawn, written = screen()
    tuning = tuned(facts)
    show_tuning(tuning, facts, "", drawn)
    show_next(tuning, "", drawn, here=False)
    shown = lines(written)
    assert shown[2].startswith("✗ GB10 belongs to an ARM computer")
    assert not any("Launch flags" in line or "--apply" in line for line in shown)
    assert shown[-1] == "one." and "nothing was changed" in shown[-2]


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
    assert shown[0] == "GeForce GTX 1070, 8 GB: current beside article-2023"
    table = {
        line.split()[0]: line.split()[1:] for line in shown[3:] if line.startswith("--") and len(line.split()) == 3
    }
    assert table == {
        "--xformers": ["yes", "yes"],
        "--medvram-sdxl": ["yes", "-"],
        "--no-half-vae": ["yes", "yes"],
        "--medvram": ["-", "yes"],
    }
    assert "  article-2023 does not know it." in shown
    assert all(len(line) <= 80 for line in shown)
    drawn, written = screen()
    show_comparison(mine, mine, (), drawn)
    assert lines(written)[-1] == "They agree on everything."


def test_why() -> None:
    tuning = tuned(GTX1070)
    told = explain(
        "--no-half-vae", tuning, known(), lambda rule: tune(GTX1070, profile().without(rule), gpus(), builds())
    )
    drawn, written = screen()
    show_why(told, tuning, GTX1070, drawn)
    assert (
        lines(written)
        == """\
--no-half-vae is set
Settings for GeForce GTX 1070, 8 GB on Windows, Stable Diffusion 1.5

why       GTX 10 cards gain nothing from half precision in the last stage, and
          it can give black pictures. --upcast-sampling is worth a try for
          speed.
by        rule precision-pascal of the profile current
with it   the web UI computes the last stage, which turns the result into a
          picture, in full precision.
without   that stage runs in half precision, which gives black pictures on some
          cards and models; the web UI then repeats it by itself.
rule off  without the rule: no --no-half-vae.
  source    https://github.com/AUTOMATIC1111/stable-diffusion-webui/pull/6055""".splitlines()
    )
