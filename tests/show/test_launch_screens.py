"""Whole screens at 80 columns: a diagnosis, a proof, a start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sdsetup.catalog.failures import parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide.diagnosis import LogOrigin, diagnose_log
from sdsetup.decide.picture import Attempt, Proof
from sdsetup.decide.startup import Startup, after, launch_plan
from sdsetup.show.diagnosis import show_diagnosis, show_unknown
from sdsetup.show.launch import LaunchScreen
from sdsetup.show.screen import Screen
from sdsetup.show.verify import show_proof
from sdsetup.text import Text
from sdsetup.values.plan import ProvePicture
from sdsetup.values.tuning import Reason

LOGS = Path(__file__).parents[1] / "samples" / "logs"
BOOK = parse_failures(Profiles().raw("failures"), "failures.toml")


@pytest.fixture
def drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What a screen of 80 columns without colours shows."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8")
    return lambda: capsys.readouterr().out


def test_a_diagnosis(drawn: Callable[[], str]) -> None:
    text = (LOGS / "wrong-python.txt").read_text(encoding="utf-8").split("=== ")[1]
    found = diagnose_log(text, BOOK, origin=LogOrigin(dir="/home/anna/my sd"))
    assert found is not None
    show_diagnosis(found, Path("/home/anna/my sd/.sdsetup/logs/webui-20261122-181815.log"), Screen())
    assert drawn() == (
        "✗ This Python is not supported\n"
        "  why:  The web UI's PyTorch exists for Python 3.10 only (3.11 too on Linux and\n"
        "        macOS). This environment uses Python 3.12.3.\n"
        "  fix:  Move the venv folder away, and let sdsetup download Python 3.10 and\n"
        "        rebuild the Python environment.\n"
        '        sdsetup install --dir "/home/anna/my sd"\n'
        "  seen: ERROR: Could not find a version that satisfies the requirement\n"
        "        torch==2.1.2 (from versions: 2.2.0, 2.2.1, 2.2.2, 2.3.0, 2.3.1, 2.4.0,\n"
        "        2.4.1, 2.5.0, 2.5.1, 2....\n"
        "  log:  /home/anna/my sd/.sdsetup/logs/webui-20261122-181815.log\n"
    )


def test_an_end_that_nobody_knows(drawn: Callable[[], str]) -> None:
    show_unknown(["one", "", "Traceback", "SomethingError: [bold]x[/bold]"], None, Screen())
    assert drawn() == (
        "✗ The log matches no known problem. Its last lines:\n"
        "    one\n"
        "    Traceback\n"
        "    SomethingError: [bold]x[/bold]\n"
        "  fix:  Create a support report and ask with it:\n"
        "        sdsetup report\n"
    )


def test_a_proof(drawn: Callable[[], str]) -> None:
    kept = Attempt(
        flags=("--no-half-vae",),
        outcome="good",
        start_seconds=16.0,
        model_seconds=6.7,
        picture_seconds=4.21,
        peak_bytes=3 * 2**30,
        memory="vram",
        picture="/home/anna/sd/.sdsetup/proof/picture-20261122-175616-good.png",
    )
    because = Text("--no-half-vae made the test picture right; without it the picture was black.")
    reason = Reason(setting="--no-half-vae", rule="picture.precision", because=because, source="x")
    proof = Proof(attempts=(kept,), kept=kept, added=("--no-half-vae",), reasons=(reason,))
    action = ProvePicture(width=512, height=512, steps=8, seed=1)
    show_proof(proof, action, [Path("/home/anna/sd/webui-user.sh")], Screen())
    assert drawn() == (
        "✓ The web UI works\n"
        "  image:   /home/anna/sd/.sdsetup/proof/picture-20261122-175616-good.png\n"
        "  time:    4.2 s for 512 x 512, 8 steps; start 16 s; model 6.7 s\n"
        "  memory:  up to 3 GB of video memory\n"
        "  changed: --no-half-vae made the test picture right; without it the picture was\n"
        "           black.\n"
        "  Saved in the launch file: /home/anna/sd/webui-user.sh\n"
    )


def test_a_recorded_start(drawn: Callable[[], str]) -> None:
    plan = launch_plan(dir="/home/anna/sd", family="linux", environment={}, flags=())
    state = Startup()
    with LaunchScreen(Screen(), plan) as shown:
        for line in (LOGS / "healthy" / "log-startup.txt").read_text(encoding="utf-8").split("\n"):
            state = after(state, line)
            shown.heard(state, line)
            if "Startup time" in line:
                shown.ready(state.url, opened=True)
        shown.stopping()
        shown.stopped(polite=True, log=Path("/home/anna/sd/.sdsetup/logs/webui-1.log"))
    assert drawn() == (
        "Starting the web UI in /home/anna/sd\n"
        "  Loading PyTorch ...\n"
        "✓ PyTorch loaded\n"
        "  Loading the web UI ...\n"
        "✓ Web UI loaded\n"
        "  Loading the model ...\n"
        "✓ The web UI is ready after 0 s.\n"
        "  http://127.0.0.1:7871\n"
        "  It opens in your browser.\n"
        "  Press Ctrl-C here to stop it.\n"
        "✓ Model loaded: random.safetensors  19 s\n"
        "\n"
        "Stopping the web UI (press Ctrl-C again to force it) ...\n"
        "✓ The web UI has stopped.\n"
        "  Log: /home/anna/sd/.sdsetup/logs/webui-1.log\n"
    )
