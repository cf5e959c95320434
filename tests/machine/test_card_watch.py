"""What holds a card, and how much of it is taken while something runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from played_card import library
from sdsetup.machine.answers_nvml import CardProgram, CardUse
from sdsetup.machine.card_watch import CardWatch
from sdsetup.machine.nvml_use import open_card
from sdsetup.machine.windows_gpu import DEDICATED, by_program
from sdsetup.values.facts import Gpu

GIB = 2**30


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    told = tmp_path / "card.txt"
    told.write_text(f"{GIB} {8 * GIB} {os.getpid()} {GIB // 2}")
    monkeypatch.setenv("PLAYED_CARD", str(told))
    return told


def test_memory_and_programs(tmp_path: Path, card: Path) -> None:
    opened = open_card("GPU-1", None, [str(library(tmp_path))])
    assert opened is not None
    assert opened.memory() == (GIB, 8 * GIB)
    card.write_text(f"{2 * GIB} {8 * GIB} 0 0")
    assert opened.memory() == (2 * GIB, 8 * GIB)
    assert opened.programs() == (
        CardProgram(pid=1, bytes=2**20),
        CardProgram(pid=999999, name=r"C:\Games\game.exe --fast", bytes=None),
    )
    opened.close()


def test_an_old_driver_lists_programs_too(tmp_path: Path, card: Path) -> None:
    opened = open_card(None, 0, [str(library(tmp_path, "OLD"))])
    assert opened is not None
    assert opened.programs() == (CardProgram(pid=os.getpid(), bytes=GIB // 2),)
    card.write_text(f"{GIB} {8 * GIB} 7 -1")
    assert opened.programs() == (CardProgram(pid=7, bytes=None),)


def test_a_card_that_is_not_there(tmp_path: Path) -> None:
    place = [str(library(tmp_path))]
    assert open_card("GPU-2", None, place) is None
    assert open_card(None, 3, place) is None
    assert open_card("GPU-1", 0, [str(tmp_path / "absent.so")]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts for every card")
def test_without_a_card_nothing_is_known() -> None:
    with CardWatch(None) as watch:
        assert watch.use(os.getpid()) == CardUse()
        assert watch.programs() is None


@pytest.mark.skipif(sys.platform == "win32", reason="what Linux' driver writes")
def test_a_radeon_on_linux(tmp_path: Path) -> None:
    place = tmp_path / "0000:03:00.0"
    place.mkdir()
    (place / "mem_info_vram_used").write_text("1000\n")
    (place / "mem_info_vram_total").write_text("8000\n")
    gpu = Gpu(vendor="amd", name="RX 6600", vram_bytes=8000, pci_bus_id=place.name)
    with CardWatch(gpu, pci=tmp_path) as watch:
        assert watch.use() == CardUse(used=1000, total=8000)
        (place / "mem_info_vram_used").unlink()
        assert watch.use() == CardUse(total=8000)


def test_windows_counts_a_program_once_per_card() -> None:
    assert by_program(
        [
            ("pid_1234_luid_0x00000000_0x0000C2D6_phys_0", 5),
            ("pid_1234_luid_0x00000000_0x0000D111_phys_0", 7),
            ("pid_99_luid_0x00000000_0x0000C2D6_phys_0", -1),
            ("_total", 400),
        ]
    ) == {1234: 12, 99: 0}


@pytest.mark.skipif(sys.platform != "win32", reason="Windows' own counters")
def test_windows_is_asked() -> None:
    if sys.platform == "win32":
        from sdsetup.machine.windows_gpu import usage

        found = usage(DEDICATED)
        assert found is None or all(count >= 0 for count in found.values())
        assert usage(r"\No Such Thing(*)\At All") is None
