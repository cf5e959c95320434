"""Stand-in for the web UI in a practice run: says the same lines, answers the same calls, paints by seed.

It has nothing of the real one but its manners: `--exit` ends after the checks, `Startup time:` is
the last line of a good start, and POST /sdapi/v1/txt2img answers with a picture.
"""

import argparse
import base64
import json
import os
import random
import runpy
import shlex
import signal
import struct
import subprocess
import sys
import time
import traceback
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def commit() -> str:
    try:
        asked = subprocess.run(
            [os.environ.get("GIT", "git"), "rev-parse", "HEAD"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "<none>"
    return asked.stdout.strip() or "<none>"


def picture(width: int, height: int, seed: int) -> bytes:
    """A small landscape of coloured bands as PNG; the same seed paints the same."""
    dice = random.Random(seed)
    bands = [tuple(dice.randrange(40, 230) for _ in range(3)) for _ in range(6)]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        red, green, blue = bands[y * len(bands) // height]
        for x in range(width):
            shade = (x * 50 // width) - 25 + dice.randrange(12)
            rows += bytes(max(0, min(255, part + shade)) for part in (red, green, blue))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(rows)))
        + chunk(b"IEND", b"")
    )


def load_extensions(arguments: list[str]) -> list[str]:
    """Run the scripts of the extensions that are on, as the real one does: an exception is only reported, an exit
    ends it. What is on is said by `disabled_extensions` of the settings file that is used."""
    values = dict(zip(arguments, [*arguments[1:], ""]))
    data = ROOT / values.get("--data-dir", "")
    settings = ROOT / values["--ui-settings-file"] if "--ui-settings-file" in values else data / "config.json"
    try:
        said = json.loads(settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        said = {}
    if "--disable-extra-extensions" in arguments or said.get("disable_all_extensions", "none") != "none":
        return []
    loaded = []
    for folder in sorted((data / "extensions").glob("*/")):
        if folder.name in said.get("disabled_extensions", []):
            continue
        loaded.append(folder.name)
        for script in sorted(folder.glob("scripts/*.py")):
            try:
                runpy.run_path(str(script))
            except Exception:  # noqa: BLE001 - as the real one does
                print(f"*** Error loading script: {script.name}", flush=True)
                traceback.print_exc()
    return loaded


class Answer(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/sdapi/v1/memory"):
            self.reply({"ram": {"free": 1, "used": 1, "total": 2}, "cuda": {"error": "unavailable"}})
        elif self.path.startswith("/sdapi/v1/sd-models"):
            names = sorted(path.name for path in (ROOT / "models" / "Stable-diffusion").glob("*.safetensors"))
            self.reply([{"title": name, "model_name": Path(name).stem, "filename": name} for name in names])
        elif self.path.startswith("/sdapi/v1/options"):
            self.reply({})
        elif self.path.startswith("/internal/ping"):
            self.reply({})
        else:
            self.reply("This is the stand-in of a practice run, not the web UI.")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path.startswith("/sdapi/v1/txt2img"):
            made = picture(int(asked.get("width", 64)), int(asked.get("height", 64)), int(asked.get("seed", 1)))
            self.reply({"images": [base64.b64encode(made).decode()], "parameters": asked, "info": "{}"})
        else:
            self.reply({})

    def reply(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    began = time.monotonic()
    sys.argv += shlex.split(os.environ.get("COMMANDLINE_ARGS", ""))
    options = argparse.ArgumentParser()
    options.add_argument("--exit", action="store_true")
    options.add_argument("--port", type=int, default=7860)
    options.add_argument("--api", action="store_true")
    options.add_argument("--data-dir", default="")
    known, _others = options.parse_known_args()
    print(f"Python {sys.version}")
    print("Version: rehearsal")
    print(f"Commit hash: {commit()}")
    if known.exit:
        print("Exiting because of --exit argument")
        return
    print(f"Launching Web UI with arguments: {shlex.join(sys.argv[1:])}", flush=True)
    load_extensions(sys.argv[1:])
    models = sorted((ROOT / known.data_dir / "models" / "Stable-diffusion").glob("*.safetensors"))
    if models:
        print(f"Loading weights [rehearsal] from {models[0]}", flush=True)
    server = ThreadingHTTPServer(("127.0.0.1", known.port), Answer)
    print(f"Running on local URL:  http://127.0.0.1:{known.port}")
    print("\nTo create a public link, set `share=True` in `launch()`.")
    print(f"Startup time: {time.monotonic() - began:.1f}s (stand-in of a practice run).")
    if models:
        print("Model loaded in 0.1s (stand-in: 0.1s).")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Interrupted with signal 2")


if __name__ == "__main__":
    main()
