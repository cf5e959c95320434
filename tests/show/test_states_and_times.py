"""States and times on a screen are in its language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdsetup.catalog.catalog import Catalog
from sdsetup.decide.picture import Attempt, Proof
from sdsetup.decide.tuning.engine import tune
from sdsetup.show import language
from sdsetup.show.extensions import show_extensions, show_switched
from sdsetup.show.screen import Screen
from sdsetup.show.tuning import Before, show_tuning
from sdsetup.show.verify import show_proof
from sdsetup.text import message
from sdsetup.values.extensions import Extension, Extensions
from sdsetup.values.facts import GIB, Facts, Gpu, System
from sdsetup.values.plan import ProvePicture


@pytest.fixture(autouse=True)
def russian() -> Iterator[None]:
    language.speak("ru")
    yield
    language.speak("en")


def test_whether_an_extension_is_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = tuple(Extension(name=name, path=name, enabled=name == "easel") for name in ("dynamic", "easel"))
    there = Extensions(found=found, switched_off=False, settings="config.json", replaced={})
    show_extensions(there, Path("sd"), Screen())
    for off, changed in ((True, True), (False, True), (True, False)):
        show_switched(("easel",), off=off, backup=None, changed=changed, screen=Screen())
    assert [line.strip(" ✓√") for line in capsys.readouterr().out.splitlines()[1:]] == [
        "отключено  dynamic  не клон Git",
        "включено   easel  не клон Git",
        "Отключено: easel. Перезапустите веб-интерфейс.",
        "Включено: easel. Перезапустите веб-интерфейс.",
        "easel: уже отключено.",
    ]


def test_how_long_an_image_took(capsys: pytest.CaptureFixture[str]) -> None:
    kept = Attempt(flags=(), outcome="good", picture_seconds=4.21, start_seconds=16.0)
    proof = Proof(attempts=(kept,), kept=kept, added=(), reasons=())
    show_proof(proof, ProvePicture(width=512, height=512, steps=8, seed=1), (), Screen())
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  изображение: ?",
        "  время:       4,2 с, 512 x 512, шагов: 8; запуск 16 с",
    ]


def test_a_flag_of_the_launch_file_is_as_on_as_a_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    card = Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 3060", vram_bytes=12 * GIB, source="nvml")
    facts = Facts(system=System(family="windows"), gpus=(card,))
    tuning = tune(facts, Catalog().rules())
    show_tuning(tuning, facts, "", Screen(), before=Before(settings={"--xformers": message("on")}))
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("--xformers"))
    assert row.split()[1:3] == ["включено", "включено"]
