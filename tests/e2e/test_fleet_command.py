"""The Ansible role with the real ansible-core, against two "hosts" of this machine with homes of their own.

Runs when SDSETUP_ANSIBLE names an ansible-playbook (`pip install ansible-core`, in an environment of its own).
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from documents import document

if TYPE_CHECKING:
    from conftest import Rehearsal

ROOT = Path(__file__).parents[2]
PLAYBOOK = os.environ.get("SDSETUP_ANSIBLE")
HOSTS = ("pc-01", "pc-02")
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(PLAYBOOK is None, reason="SDSETUP_ANSIBLE names no ansible-playbook"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl"),
]


class Fleet:
    """Two hosts, a kit for them, and what ansible said of each."""

    def __init__(self, home: Path, kit: Path, url: str, rehearsal: Rehearsal) -> None:
        self.home = home
        self.kit = kit
        self.results = home / "results"
        self.results.mkdir()
        hosts: dict[str, Any] = {}
        for name in HOSTS:
            own = home / name
            own.mkdir()
            env = {key: rehearsal.env[key] for key in ("PATH", "PYTHONPATH", "SSL_CERT_FILE")}
            env |= {
                "HOME": str(own),
                "SDSETUP_CACHE_DIR": str(own / "cache"),
                "SDSETUP_DATA_DIR": str(own / "data"),
            }
            env |= {"SDSETUP_LOG_DIR": str(own / "log")}
            hosts[name] = {"sdsetup_dir": str(own / "webui"), "sdsetup_environment": env}
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "sdsetup_command": [sys.executable, "-m", "sdsetup"],
            "sdsetup_install_options": ["--rehearse"],
            "sdsetup_kit_dir": str(kit),
            "sdsetup_kit_url": url,
            "sdsetup_results_dir": str(self.results),
        }
        self.inventory = home / "inventory.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))

    def play(self, *more: str, **variables: Any) -> tuple[int, dict[str, dict[str, int]], str]:
        """Exit code, the recap of each host, and everything that was printed."""
        assert PLAYBOOK is not None
        given = json.dumps({**self.variables, **variables})
        said = subprocess.run(
            [
                PLAYBOOK,
                "-i",
                str(self.inventory),
                str(ROOT / "fleet" / "ansible" / "site.yml"),
                "-e",
                given,
                *more,
            ],
            env={**os.environ, "HOME": str(self.home), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", said.stdout, re.MULTILINE)
        recap = {
            host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in lines
        }
        return said.returncode, recap, said.stdout + said.stderr


@pytest.fixture
def fleet(rehearsal: Rehearsal, tmp_path: Path) -> Iterator[Fleet]:
    kit = tmp_path / "kit"
    made = rehearsal.sdsetup("kit", "make", str(kit), "--rehearse", "--yes", "--gpu", "none")
    assert made.returncode == 0, made.stderr

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

    certificate = tmp_path / "server.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {certificate} -out {certificate}.crt".split(),
        check=True,
        capture_output=True,
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(kit)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.crt", certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rehearsal.env["SSL_CERT_FILE"] = f"{certificate}.crt"
    yield Fleet(tmp_path, kit, f"https://localhost:{server.server_port}", rehearsal)
    server.shutdown()
    server.server_close()


def test_two_hosts_are_installed_and_a_second_run_changes_nothing(fleet: Fleet, rehearsal: Rehearsal) -> None:
    code, recap, said = fleet.play("--check")
    assert {host: counts["changed"] for host, counts in recap.items()} == dict.fromkeys(HOSTS, 1), said
    assert not any((fleet.home / host / "webui").exists() for host in HOSTS)

    code, recap, said = fleet.play()
    assert code == 0, said
    assert {host: counts["changed"] for host, counts in recap.items()} == dict.fromkeys(HOSTS, 1), said
    for host in HOSTS:
        assert list((fleet.home / host / "webui" / ".sdsetup" / "proof").glob("*.png"))

    before = _times(fleet)
    for options in ((), ("--check",)):
        code, recap, said = fleet.play(*options)
        assert code == 0, said
        assert all(counts["changed"] == counts["failed"] == 0 for counts in recap.values()), said
        assert _times(fleet) == before

    table = rehearsal.sdsetup("fleet", "summary", str(fleet.results), "--json")
    assert sorted(pc["name"] for pc in document(table.stdout)["pcs"]) == list(HOSTS)


def test_a_host_that_fails_is_reported_as_failed_and_the_other_goes_on(fleet: Fleet) -> None:
    (fleet.home / "pc-02" / "webui").write_text("a file where the folder should be")
    code, recap, said = fleet.play()
    assert code != 0
    assert recap["pc-02"]["failed"] == 1, said
    assert recap["pc-01"]["failed"] == 0, said
    assert list((fleet.home / "pc-01" / "webui" / ".sdsetup" / "proof").glob("*.png"))


def test_a_kit_that_is_not_the_controllers_is_refused_on_every_host(fleet: Fleet) -> None:
    other = fleet.home / "other"
    other.mkdir()
    (other / "kit.json").write_text((fleet.kit / "kit.json").read_text() + " ")
    _code, recap, said = fleet.play(sdsetup_kit_dir=str(other))
    assert all(counts["failed"] == 1 and counts["changed"] == 0 for counts in recap.values()), said
    assert "kit-other" in said


def _times(fleet: Fleet) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for host in HOSTS
        for path in (fleet.home / host / "webui").rglob("*")
        if path.is_file()
    }
