"""A GTX 1660 becomes an RTX 5070: doctor says so, tune makes it fit, undo goes back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Rehearsal

GTX_1660 = {
    "index": "0",
    "name": "NVIDIA GeForce GTX 1660",
    "driver_version": "551.52",
    "memory__total": "6144",
    "memory__used": "300",
    "compute_cap": "7.5",
    "pci__bus_id": "00000000:01:00.0",
}
RTX_5070 = {**GTX_1660, "name": "NVIDIA GeForce RTX 5070", "memory__total": "12227", "compute_cap": "12.0"} | {
    "driver_version": "580.95.05"
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in nvidia-smi is a script")


def torch_of(rehearsal: Rehearsal) -> str:
    (found,) = (rehearsal.dir / "venv").glob("lib/python3.*/site-packages/torch-*.dist-info")
    return found.name.removeprefix("torch-").removesuffix(".dist-info")


def test_a_new_card_from_notice_to_undo(rehearsal: Rehearsal) -> None:
    rehearsal.card(**GTX_1660)
    first = rehearsal.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert torch_of(rehearsal) == "2.1.2+cu121"
    assert "--medvram-sdxl" in rehearsal.launch_file()
    assert "--xformers" in rehearsal.launch_file()
    (rehearsal.dir / "models" / "Stable-diffusion" / "mine.safetensors").write_bytes(b"mine")
    own = rehearsal.launch_file().replace("--xformers", "--xformers --listen")
    path = rehearsal.dir / "webui-user.sh"
    path.write_text(own)

    rehearsal.card(**RTX_5070)
    doctor = rehearsal.sdsetup("doctor", "--dir", str(rehearsal.dir), "--json")
    card = next(check for check in json.loads(doctor.stdout)["checks"] if check["id"] == "card")
    assert card["status"] == "warn"
    assert "GTX 1660" in card["summary"] + (card["why"] or "")

    tune = rehearsal.sdsetup("tune", "--rehearse", "--dir", str(rehearsal.dir))
    assert tune.returncode == 0, tune.stderr
    assert "sdsetup tune --yes" in tune.stdout
    assert torch_of(rehearsal) == "2.1.2+cu121"

    done = rehearsal.sdsetup("tune", "--rehearse", "--dir", str(rehearsal.dir), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert torch_of(rehearsal) == "2.7.0+cu128"
    assert "--opt-sdp-attention" in rehearsal.launch_file()
    assert "--xformers" not in rehearsal.launch_file()
    assert "--medvram" not in rehearsal.launch_file()
    assert "--listen" in rehearsal.launch_file()
    assert (rehearsal.dir / "models" / "Stable-diffusion" / "mine.safetensors").read_bytes() == b"mine"
    machine = json.loads((rehearsal.dir / ".sdsetup" / "machine.json").read_text())
    assert machine["card"] == "NVIDIA GeForce RTX 5070"

    again = rehearsal.sdsetup("tune", "--rehearse", "--dir", str(rehearsal.dir))
    assert "This PC has changed" not in again.stdout

    back = rehearsal.sdsetup("undo", "--dir", str(rehearsal.dir), "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert torch_of(rehearsal) == "2.1.2+cu121"
    assert path.read_text() == own
    former = json.loads((rehearsal.dir / ".sdsetup" / "machine.json").read_text())
    assert former["card"] == GTX_1660["name"]

    path.write_text(own + "export MINE=1\n")
    forward = rehearsal.sdsetup("undo", "--dir", str(rehearsal.dir), "--yes")
    assert forward.returncode == 0, forward.stdout + forward.stderr
    assert torch_of(rehearsal) == "2.7.0+cu128"
    assert "--opt-sdp-attention" in rehearsal.launch_file()
    # What was edited by hand in between is not lost by going back and forth.
    kept = [old.read_text() for old in rehearsal.dir.glob("webui-user.sh.*.bak")]
    assert own + "export MINE=1\n" in kept


def test_switching_profiles_leaves_nothing_of_ours_behind(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    assert "--use-cpu all" in rehearsal.launch_file()
    folder = str(rehearsal.dir)
    done = rehearsal.sdsetup(
        "tune", "--dir", folder, "--apply", "--anyway", "--yes", "--gpu", "RTX 3060", "--vram", "12"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--use-cpu" not in rehearsal.launch_file()
    assert "--xformers" in rehearsal.launch_file()


def test_without_a_former_state_undo_says_so(rehearsal: Rehearsal) -> None:
    done = rehearsal.sdsetup("undo", "--dir", str(rehearsal.home / "nowhere"), "--yes")
    assert done.returncode == 1
    assert "nothing-to-undo" in done.stderr
