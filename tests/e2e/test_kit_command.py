"""Kits as a club would use them: made once, carried, served, killed, damaged, and made for another card."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from documents import document

if TYPE_CHECKING:
    from conftest import Rehearsal

KILLS = int(os.environ.get("SDSETUP_TEST_KILLS", "10"))
# A namespace of its own has no route to anywhere; only its loopback device is switched on.
ALONE = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "alone"]

RTX_3060 = {
    "index": "0",
    "name": "NVIDIA GeForce RTX 3060",
    "driver_version": "551.52",
    "memory__total": "12288",
    "memory__used": "300",
    "compute_cap": "8.6",
    "pci__bus_id": "00000000:01:00.0",
}


def can_be_alone() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def make(rehearsal: Rehearsal, kit: Path, *more: str) -> dict[str, object]:
    made = rehearsal.sdsetup("kit", "make", str(kit), "--rehearse", "--yes", "--json", *more)
    assert made.returncode == 0, made.stdout + made.stderr
    return document(made.stdout)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def kit(rehearsal: Rehearsal, tmp_path: Path) -> Path:
    make(rehearsal, tmp_path / "kit", "--gpu", "none")
    rehearsal.ledger.unlink()  # what the stand-ins' own server sends from here on is not from the kit
    return tmp_path / "kit"


@pytest.mark.skipif(not can_be_alone(), reason="needs a network namespace (unshare, ip)")
def test_from_a_folder_to_a_picture_without_any_network_and_again_without_a_change(
    rehearsal: Rehearsal, kit: Path
) -> None:
    command = [*ALONE, sys.executable, "-m", "sdsetup", "install", "--rehearse", "--yes", "--kit", str(kit)]
    rehearsal.env |= {"HTTPS_PROXY": "http://192.0.2.1:9", "HTTP_PROXY": "http://192.0.2.1:9"}
    first = subprocess.run(command, env=rehearsal.env, capture_output=True, text=True, timeout=110, check=False)
    assert first.returncode == 0, first.stdout + first.stderr
    rehearsal.assert_whole()
    assert not rehearsal.transfers(), "the stand-ins' own server was asked for the model"
    before = {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()}
    second = subprocess.run(command, env=rehearsal.env, capture_output=True, text=True, timeout=110, check=False)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Nothing was changed" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()} == before


@pytest.fixture
def served(tmp_path: Path, kit: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """The kit behind an https server with a certificate of its own; which paths it was asked for."""
    certificate = tmp_path / "server.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {certificate} -out {certificate}.crt".split(),
        check=True,
        capture_output=True,
    )
    asked: list[str] = []

    class Files(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(kit)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.crt", certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", Path(f"{certificate}.crt"), asked
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_from_a_static_https_server(rehearsal: Rehearsal, served: tuple[str, Path, list[str]], kit: Path) -> None:
    url, certificate, asked = served
    refused = rehearsal.run("--kit", url)
    assert refused.returncode == 1
    assert "kit-unreachable" in refused.stderr
    rehearsal.env["SSL_CERT_FILE"] = str(certificate)
    number = hashlib.sha256((kit / "kit.json").read_bytes()).hexdigest()
    other = rehearsal.run("--kit", url, "--kit-sha256", "0" * 64)
    assert other.returncode == 1
    assert "kit-other" in other.stderr
    done = rehearsal.run("--kit", url, "--kit-sha256", number)
    assert done.returncode == 0, done.stdout + done.stderr
    rehearsal.assert_whole()
    assert not rehearsal.transfers()
    assert any("model.safetensors" in path for path in asked)
    # What sdsetup itself needs is in the kit too, and nobody asked for it.
    assert not any("sdsetup-" in path for path in asked)


def test_http_to_another_computer_needs_the_number(rehearsal: Rehearsal) -> None:
    refused = rehearsal.run("--kit", "http://192.0.2.1/kit")
    assert refused.returncode == 2
    assert "kit-address" in refused.stderr
    assert "--kit-sha256" in refused.stderr


@pytest.mark.timeout(400)  # four installations
@pytest.mark.parametrize("name", ["standin_gradio-3.41.2-py3-none-any.whl", "model.safetensors", "BLIP.bundle"])
def test_one_flipped_byte_is_refused_by_file_name(rehearsal: Rehearsal, kit: Path, name: str) -> None:
    (file,) = kit.glob(f"objects/*/{name}")
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1]))
    path = file.relative_to(kit).as_posix()
    checked = rehearsal.sdsetup("kit", "check", str(kit), "--json")
    assert checked.returncode == 1
    assert document(checked.stdout)["faults"] == [{"path": path, "what": "damaged"}]
    refused = rehearsal.run("--kit", str(kit))
    assert refused.returncode == 1
    assert "kit-damaged" in refused.stderr, refused.stderr
    assert name in refused.stderr
    file.unlink()
    missing = rehearsal.run("--kit", str(kit))
    assert missing.returncode == 1
    assert name in missing.stderr
    # Made again, the kit has what was lost, and the installation goes on.
    make(rehearsal, kit, "--gpu", "none")
    done = rehearsal.run("--kit", str(kit))
    assert done.returncode == 0, done.stdout + done.stderr
    rehearsal.assert_whole()


def test_a_signed_kit_installs_with_the_right_key_and_nothing_else_does(rehearsal: Rehearsal, kit: Path) -> None:
    made = document(rehearsal.sdsetup("kit", "key", str(kit.parent / "club"), "--json").stdout)
    unsigned = rehearsal.run("--kit", str(kit), "--kit-key", str(made["public"]))
    assert (unsigned.returncode, "kit-unsigned" in unsigned.stderr) == (1, True)
    signed = make(rehearsal, kit, "--gpu", "none", "--sign", str(made["private"]))
    assert signed["signed_by"] == made["key"]
    checked = rehearsal.sdsetup("kit", "check", str(kit), "--kit-key", str(made["key"]), "--json")
    assert (checked.returncode, document(checked.stdout)["signed_by"]) == (0, made["key"])
    other = document(rehearsal.sdsetup("kit", "key", str(kit.parent / "other"), "--json").stdout)
    for refused in (
        rehearsal.run("--kit", str(kit), "--kit-key", str(other["key"])),
        rehearsal.sdsetup("kit", "check", str(kit), "--kit-key", str(other["public"])),
    ):
        assert (refused.returncode, "kit-signature" in refused.stderr) == (1, True), refused.stderr
    assert not rehearsal.dir.exists(), "nothing was begun"
    done = rehearsal.run("--kit", str(kit), "--kit-key", str(made["public"]))
    assert done.returncode == 0, done.stdout + done.stderr
    rehearsal.assert_whole()


def test_a_key_without_a_kit_and_a_key_that_is_none(rehearsal: Rehearsal, tmp_path: Path) -> None:
    alone = rehearsal.run("--kit-key", "x")
    assert (alone.returncode, "option-value" in alone.stderr) == (2, True)
    (tmp_path / "none").write_text("no key")
    begun = rehearsal.sdsetup(
        "kit", "make", str(tmp_path / "kit"), "--rehearse", "--yes", "--sign", str(tmp_path / "none")
    )
    assert (begun.returncode, "key-invalid" in begun.stderr) == (1, True)
    assert not (tmp_path / "kit").exists()


def test_a_kit_for_another_card_says_what_is_missing_before_the_start(rehearsal: Rehearsal, kit: Path) -> None:
    rehearsal.card(**RTX_3060)
    before = content(rehearsal.home / "cache" / "rehearsal") if rehearsal.dir.exists() else {}
    refused = rehearsal.run("--kit", str(kit), "--model", "sd15-fp16")
    assert refused.returncode == 1
    assert "kit-incomplete" in refused.stderr
    assert "PyTorch 2." in refused.stderr
    assert "RTX 3060" in refused.stderr
    assert not rehearsal.dir.exists() or content(rehearsal.home / "cache" / "rehearsal") == before


def test_a_kit_with_other_versions_says_so_before_the_start(rehearsal: Rehearsal, kit: Path) -> None:
    said = json.loads((kit / "kit.json").read_text())
    for environment in said["environments"]:
        environment["torch"] = "1.13.1"  # made by an sdsetup whose build of that name was another one
    (kit / "kit.json").write_text(json.dumps(said))
    refused = rehearsal.run("--kit", str(kit))
    assert (refused.returncode, "kit-incomplete" in refused.stderr) == (1, True), refused.stderr
    assert not rehearsal.dir.exists()


def test_a_kit_that_lost_what_this_run_does_not_bring_is_not_called_ready(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    rehearsal.card(**RTX_3060)
    kit = tmp_path / "kit"
    make(rehearsal, kit, "--gpu", "RTX 3060 12GB")
    (lost,) = kit.glob("objects/*/xformers-*.whl")
    lost.unlink()
    made = rehearsal.sdsetup("kit", "make", str(kit), "--rehearse", "--yes", "--gpu", "none")
    assert made.returncode == 1, made.stdout
    assert lost.name in made.stderr
    assert "kit-damaged" in made.stderr
    make(rehearsal, kit, "--gpu", "RTX 3060 12GB")
    assert lost.exists()


def test_a_second_card_adds_only_its_packages(rehearsal: Rehearsal, tmp_path: Path) -> None:
    rehearsal.card(**RTX_3060)  # the stand-in torch finds the card that is there when it is made
    kit = tmp_path / "kit"
    make(rehearsal, kit, "--gpu", "none")
    before = content(kit)
    make(rehearsal, kit, "--gpu", "RTX 3060 12GB")
    after = content(kit)
    assert all(after[name] == before[name] for name in before.keys() - {"kit.json"})
    added = {name.rpartition("/")[2] for name in after.keys() - before.keys()}
    assert added
    assert all(name.startswith(("torch-", "torchvision-", "xformers-")) for name in added)
    done = rehearsal.run("--kit", str(kit))
    assert done.returncode == 0, done.stdout + done.stderr
    rehearsal.assert_whole()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_any_moment_the_kit_is_what_it_was_or_whole(
    rehearsal: Rehearsal, kit: Path, tmp_path: Path
) -> None:
    wanted = make(rehearsal, tmp_path / "whole", "--gpu", "none")
    command = [sys.executable, "-m", "sdsetup", "kit", "make", str(tmp_path / "killed"), "--rehearse", "--yes"]
    dice = random.Random(17)
    killed = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [*command, "--gpu", "none"],
            env=rehearsal.env,
            cwd=rehearsal.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(dice.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            killed += 1
        assert child.wait() in (0, -signal.SIGKILL)
        if (tmp_path / "killed" / "kit.json").exists():
            checked = rehearsal.sdsetup("kit", "check", str(tmp_path / "killed"))
            assert checked.returncode == 0, checked.stdout + checked.stderr
            shutil.rmtree(tmp_path / "killed")
    assert killed
    again = make(rehearsal, tmp_path / "killed", "--gpu", "none")
    assert again["sha256"] == wanted["sha256"]
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
