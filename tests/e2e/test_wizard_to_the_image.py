"""The wizard from its first line to the image and on to the web UI; stand-ins are behind the real addresses."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from played_card import nvidia_smi
from sdsetup.catalog.catalog import Catalog
from sdsetup.rehearsal.stage import rehearsal

pexpect = pytest.importorskip("pexpect", reason="a terminal that a test can type into")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

SRC = Path(__file__).parents[2] / "src"
QUESTIONS = (r"\nInstall folder \[[^\n]*\] ", r"\nModel \([^\n]*\) \[\d\] ", r"\nStart now\? \[[^\n]*\] ")
CONSENT = r"\? \[y/N\] "
MENU = r"\nWhat next\? \(q quits\) \[\d\] "


@pytest.fixture
def card() -> str | None:
    """What the stand-in of torch calculates on."""
    return None


@pytest.fixture
def world(tmp_path: Path, own_home: Path, card: str | None) -> Iterator[dict[str, str]]:
    """The environment of a run whose profiles point to stand-ins on loopback."""
    git = shutil.which("git")
    assert git is not None
    with rehearsal(tmp_path / "stand-ins", Catalog(), git=git, card=card, rate=None) as scene:
        overlay = tmp_path / "profiles"
        overlay.mkdir()
        for name in ("webui", "models", "doctor", "torch"):
            (overlay / f"{name}.toml").write_text(tomli_w.dumps(scene.catalog.files.raw(name)), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or "SDSETUP" in name}
        yield {
            **kept,
            **scene.env,
            "PYTHONPATH": str(SRC),
            "SDSETUP_PROFILES": str(overlay),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "SDSETUP_LANG": "en",
        }


def started(world: dict[str, str], home: Path, *words: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable,
        ["-m", "sdsetup", *words],
        env=world,
        cwd=str(home),
        encoding="utf-8",
        timeout=300,
        dimensions=(40, 100),
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_three_questions_an_image_and_the_web_ui(world: dict[str, str], own_home: Path) -> None:
    wizard = started(world, own_home)
    for question, answer in zip(QUESTIONS, ("", "", "y"), strict=True):
        wizard.expect(question)
        wizard.sendline(answer)
    wizard.expect(r"step 1 of \d+")
    wizard.expect("The web UI is installed in")
    wizard.expect("Test image:")
    wizard.expect("▀{8}|48;2;|38;2;")  # drawn in color
    wizard.expect(r"What next\?[^\n]*\] ")
    image = next((own_home / "stable-diffusion-webui" / ".sdsetup" / "proof").glob("*good.png"))
    assert image.stat().st_size > 100
    wizard.sendline("o")  # there is no display here
    wizard.expect_exact("The image is:")
    wizard.expect_exact(str(image))
    wizard.expect(r"What next\?[^\n]*\] ")
    wizard.sendline("m")
    wizard.expect("Shortcut created")
    wizard.expect(r"What next\?[^\n]*\] ")
    assert "m  add" not in wizard.before, "it is there"
    wizard.sendline("s")
    wizard.expect("The web UI is ready")
    wizard.sendintr()
    wizard.expect(r"webui-[\d-]+\.log")  # its log is named when it has ended
    wizard.expect(pexpect.EOF)
    wizard.close()
    assert wizard.exitstatus == 0

    # The second time it knows the installation, and a repair finds nothing to do.
    again = started(world, own_home)
    again.expect(MENU)
    assert "The web UI is installed in" in again.before and "not finished" not in again.before
    again.sendline("2")
    again.expect(r"What next\?[^\n]*\] ")
    assert "Everything is in place" in again.before, again.before
    again.sendline("d")
    again.expect(pexpect.EOF)
    again.close()
    assert again.exitstatus == 0

    # A no leads back to the menu, a yes removes it and leaves the models.
    (entry,) = (path for path in own_home.rglob("*") if path.suffix in (".desktop", ".command"))
    last = started(world, own_home)
    for answer in ("n", "y"):
        last.expect(MENU)
        last.sendline("6")
        last.expect(r"\? \[y/N\] ")
        last.sendline(answer)
    last.expect(pexpect.EOF)
    last.close()
    folder = own_home / "stable-diffusion-webui"
    assert last.exitstatus == 0
    assert not entry.exists()
    assert not (folder / "webui.py").exists() and not (folder / "venv").exists()
    assert (folder / "models" / "Stable-diffusion" / "model.safetensors").is_file()


GTX_1660 = {
    "index": "0",
    "name": "NVIDIA GeForce GTX 1660",
    "driver_version": "551.52",
    "memory.total": "6144",
    "memory.used": "300",
    "compute_cap": "7.5",
    "pci.bus_id": "00000000:01:00.0",
}
RTX_5070 = {**GTX_1660, "name": "NVIDIA GeForce RTX 5070", "memory.total": "12227", "compute_cap": "12.0"} | {
    "driver_version": "580.95.05"
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("card", ["NVIDIA"])
def test_a_new_graphics_card_by_the_menu(world: dict[str, str], own_home: Path, tmp_path: Path) -> None:
    program = nvidia_smi(tmp_path, GTX_1660)
    world["PATH"] = f"{program.parent}{os.pathsep}{world['PATH']}"
    install = started(world, own_home, "install", "--yes")
    install.expect(pexpect.EOF)
    install.close()
    assert install.exitstatus == 0, install.before

    nvidia_smi(tmp_path, RTX_5070)
    menu = started(world, own_home)
    menu.expect(MENU)
    assert "The graphics card has changed since installation. Choose 3" in menu.before
    menu.sendline("")  # Enter takes it
    menu.expect(CONSENT)
    assert "Graphics card: NVIDIA GeForce GTX 1660 -> NVIDIA GeForce RTX 5070" in menu.before
    menu.sendline("n")
    menu.expect(MENU)
    assert "Nothing was changed." in menu.before and "Choose 3" in menu.before
    menu.sendline("card")
    menu.expect(CONSENT)
    menu.sendline("y")
    menu.expect("Test image:")
    menu.expect(MENU)
    assert "Choose" not in menu.before
    for answer, shown in (("3", "unchanged: NVIDIA GeForce RTX 5070"), ("4", "is already at")):
        menu.sendline(answer)
        menu.expect(MENU)
        assert shown in " ".join(menu.before.split())
    menu.sendline("2")  # a repair makes the test image again, which asks first
    menu.expect(CONSENT)
    menu.sendline("n")
    menu.expect(MENU)
    menu.sendline("q")
    menu.expect(pexpect.EOF)
    menu.close()
    assert menu.exitstatus == 0
    assert "--opt-sdp-attention" in (own_home / "stable-diffusion-webui" / "webui-user.sh").read_text()
