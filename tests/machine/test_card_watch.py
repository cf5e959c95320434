"""What holds a card, and how much of it is taken while something runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from played_card import library, says
from sdsetup.machine.answers import CardProgram, CardUse
from sdsetup.machine.card_watch import CardWatch
from sdsetup.machine.windows_gpu import DEDICATED, by_program
from sdsetup.values.facts import Gpu

GIB = 2**30


@pytest.fixture
def card(tmp_path: Path) -> Path:
    told = tmp_path / "card.txt"
    told.write_text(f"{GIB} {8 * GIB} {os.getpid()} {GIB // 2}")
    return told


def test_memory_and_programs(tmp_path: Path, card: Path) -> None:
    later = f"open({str(card)!r}, 'w').write('{2 * GIB} {8 * GIB} 0 0')"
    asked = f"(card.memory(), {later}, card.memory(), card.programs(), card.close())"
    code = f"(lambda card: {asked})(nvml.open_card('GPU-1', None))"
    before, _, after, programs, _ = says(library(tmp_path), code, PLAYED_CARD=str(card))
    assert before == (GIB, 8 * GIB)
    assert after == (2 * GIB, 8 * GIB)
    assert programs == (
        CardProgram(pid=1, bytes=2**20),
        CardProgram(pid=999999, name=r"C:\Games\game.exe --fast", bytes=None),
    )


def test_an_older_driver_lists_programs_too(tmp_path: Path, card: Path) -> None:
    code = "nvml.open_card(None, 0).programs()"
    older = library(tmp_path, "OLD")
    assert says(older, code, PLAYED_CARD=str(card)) == (CardProgram(pid=os.getpid(), bytes=GIB // 2),)
    card.write_text(f"{GIB} {8 * GIB} 7 -1")
    assert says(older, code, PLAYED_CARD=str(card)) == (CardProgram(pid=7, bytes=None),)


def test_a_card_that_is_not_there(tmp_path: Path) -> None:
    place = library(tmp_path)
    assert says(place, "[nvml.open_card('GPU-2', None), nvml.open_card(None, 3)]") == [None, None]
    assert says(tmp_path / "absent.so", "nvml.open_card('GPU-1', 0)") is None


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
