"""Nothing that we write down holds a secret, from wherever: the environment, the launch file, an address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from installations import HERE, installation, play

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in's launch file is a .sh here")

SECRETS = {
    "HF_TOKEN": "EnvSecretOne77",
    "CIVITAI_API_KEY": "EnvSecretTwo77",
    "MY_PASSWORD": "EnvSecret Three77",
    "HTTPS_PROXY": "http://max:ProxySecret77@127.0.0.1:9",
    "HF_ENDPOINT": "http://127.0.0.1:9/EnvSecretOne77",
}
FLAGS = "--gradio-auth max:FlagSecret77 --api-auth api:FlagSecret88 --xformers"


def sdsetup(root: Path, logs: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    env = {
        **os.environ,
        **SECRETS,
        "PYTHONPATH": str(HERE.parent / "src"),
        "SDSETUP_LOG_DIR": str(logs),
        "COLUMNS": "80",
    }
    return subprocess.run(
        [sys.executable, "-m", "sdsetup", *arguments], capture_output=True, env=env, timeout=100, cwd=root
    )


def test_logs_and_our_own_files(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    # The web UI prints what it was given, and more: addresses, headers, variables.
    said = [
        "Running on public URL: https://sharesecret77.gradio.live",
        "GET https://max:UrlSecret77@example.org/x?token=UrlSecret88",
        "Authorization: Bearer HeaderSecret77",
        "environment: EnvSecretOne77 EnvSecret Three77",
    ]
    root = installation(
        tmp_path / "sd", flags=FLAGS, env={"EXT_SECRET_KEY": "FileSecret77"}, lines=said, error="x"
    )
    (tmp_path / "said.txt").write_text("\n".join(said) + "\n")
    play(root, start="crash", crash=str(tmp_path / "said.txt"))
    launch = root / "webui-user.sh"
    before = launch.read_bytes()
    for arguments in (
        ["verify", "--dir", str(root)],
        ["doctor", "--dir", str(root)],
        ["tune", "--dir", str(root)],
        ["why", "--medvram", "--dir", str(root)],
        ["model", "get", "max/x:UrlSecret99.safetensors?token=UrlSecret66", "--dir", str(root)],
        ["install", "--dir", str(root), "--profiles", "/x/hf_AbCdEfGhIjKlMnOpQrStUv"],
    ):
        ended = sdsetup(root, logs, *arguments)
        assert ended.returncode in (0, 1, 2), ended.stderr
    kept = [path for place in (logs, root / ".sdsetup") for path in place.rglob("*") if path.is_file()]
    assert len(kept) >= 6
    assert any("Running on public URL: [share link]" in path.read_text(encoding="utf-8") for path in kept)
    for path in kept:
        text = path.read_bytes().decode("utf-8", "replace")
        for secret in ("Secret77", "Secret88", "Secret66", "EnvSecret", "AbCdEfGh"):
            assert secret not in text, path
        assert "sharesecret77" not in text, path
    assert launch.read_bytes() == before


def test_a_log_record_is_cut_whoever_says_it(tmp_path: Path) -> None:
    script = (
        "import logging; from sdsetup.workflows import log; from sdsetup.machine.real import RealMachine;"
        "log.start('x', RealMachine()); l = logging.getLogger('sdsetup.git');"
        "l.info('fetching %s', 'https://max:UrlSecret77@h/x?sig=UrlSecret88');"
        "l.info('env %r', {'HF_TOKEN': 'EnvSecretOne77', 'x': ['--gradio-auth', 'max:FlagSecret77']});"
        "l.info('esc \\x1b[2J\\x07')\n"
        "try: raise ValueError('password=ErrorSecret77')\n"
        "except ValueError: l.exception('token: %s', 'hf_AbCdEfGhIjKlMnOpQrStUv')\n"
    )
    env = {
        **os.environ,
        **SECRETS,
        "PYTHONPATH": str(HERE.parent / "src"),
        "SDSETUP_LOG_DIR": str(tmp_path / "logs"),
    }
    subprocess.run([sys.executable, "-c", script], env=env, check=True, timeout=60)
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "logs").iterdir())
    assert "fetching https://h/x" in text and "ValueError" in text
    for secret in ("Secret77", "Secret88", "AbCdEf", "\x1b", "\x07"):
        assert secret not in text
