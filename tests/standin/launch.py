"""A stand-in for the web UI: a real process with its manners, and with faults on order.

It prints lines recorded from a real start, listens as gradio does (first the port, then the API, and a request in
between ends it), answers the API's calls, and does what `scenario.json` beside it says:

    start     "ok", "crash", "hang", "silent-exit"     `crash` is a file whose lines it dies with
    model     "ok", "failed", "never"                  `model_error` is said before "failed to load"
    pictures  [[flags, kind], ...]                     the first whose flags are all set
    starts    [[flags, start], ...]                    the same for `start`
    seconds   [[flags, seconds], ...]                  what a picture takes
    card      {"total": bytes, "used": [[flags, bytes], ...]}: a card to play, told in card.json and to
              NVIDIA's played library; what does not fit is an error, or with "spills" shared memory
    linger    seconds between the address and the API (default 0.3)
    sigint    "ok", "ignore"
    grandchild  true: it starts a program that sleeps
    restart   true: the first run asks to be started again, as the web UI's own button does

It notes what it was given in `given.jsonl`, one line per start.
"""

import base64
import json
import os
import runpy
import select
import shlex
import signal
import subprocess
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "testlib"))
from png import noise, plain, png

ROOT = Path(__file__).resolve().parent
SCENARIO = {"start": "ok", "model": "ok", "pictures": [[[], "noise"]], "linger": 0.3, "sigint": "ok"} | json.loads(
    (ROOT / "scenario.json").read_text(encoding="utf-8")
)
ARGUMENTS = sys.argv[1:] + shlex.split(os.environ.get("COMMANDLINE_ARGS", ""))
CRASH_EARLY = """Traceback (most recent call last):
  File "launch.py", line 48, in <module>
    main()
RuntimeError: Cannot add middleware after an application has started"""
ERRORS = {
    "oom": ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 4.00 GiB total)"),
    "nan-vae": ("NansException", "A tensor with NaNs was produced in VAE. This could be because there's not"),
    "nan-unet": ("NansException", "A tensor with NaNs was produced in Unet. This could be either because"),
    "error": ("RuntimeError", "something that nobody knows"),
}  # fmt: skip


def value_of(flag: str, default: str) -> str:
    return ARGUMENTS[ARGUMENTS.index(flag) + 1] if flag in ARGUMENTS else default


def first(choices: list, default: object) -> object:
    """The choice whose flags are all set."""
    flags = set(ARGUMENTS)
    return next((chosen for wanted, chosen in choices if set(wanted) <= flags), default)


def fill_card() -> bool:
    """Take what a picture needs; whether it fits."""
    card = SCENARIO.get("card")
    if card is None:
        return True
    need = first(card["used"], 0)
    tell_card(card, need)
    time.sleep(card.get("takes", 0.4))  # as long as a picture takes somebody may look at the card
    return need <= card["total"] or card.get("spills", False)


def tell_card(card: dict, need: int) -> None:
    used, shared = min(need, card["total"]), max(0, need - card["total"])
    told = {"used": used, "total": card["total"], "shared": shared if card.get("spills") else 0}
    (ROOT / "card.json.new").write_text(json.dumps(told), encoding="utf-8")
    (ROOT / "card.json.new").replace(ROOT / "card.json")
    if path := os.environ.get("PLAYED_CARD"):
        Path(path + ".new").write_text(f"{used} {card['total']} {os.getpid()} {used}", encoding="ascii")
        Path(path + ".new").replace(path)


def say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


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
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/sdapi/v1/memory" and "--api" in ARGUMENTS:
            ram = {"free": 1, "used": 1, "total": 2}
            cuda = SCENARIO.get("cuda", {"error": "unavailable"})
            if (ROOT / "card.json").exists():
                cuda = {"reserved": {"peak": json.loads((ROOT / "card.json").read_text())["used"]}}
            self.reply(200, {"ram": ram, "cuda": cuda})
        else:
            self.reply(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/sdapi/v1/txt2img" or "--api" not in ARGUMENTS:
            self.reply(404, {"detail": "Not Found"})
            return
        kind = first(SCENARIO["pictures"], "noise")
        time.sleep(first(SCENARIO.get("seconds", []), 0))
        if not fill_card():
            kind = "oom"
        size = (asked["width"], asked["height"])
        if kind == "hang":
            time.sleep(600)
        elif kind == "die":
            say("RuntimeError: CUDA error: unspecified launch failure")
            os._exit(1)
        elif kind == "vanish":
            os._exit(1)
        elif kind in ERRORS:
            name, text = ERRORS[kind]
            say(
                f"*** API error: POST: http://127.0.0.1/sdapi/v1/txt2img {{'error': '{name}', 'errors': '{text}'}}"
            )
            self.reply(500, {"error": name, "detail": "", "body": "", "errors": text})
        elif kind == "garbage":
            self.reply(200, {"images": ["bm8gcGljdHVyZQ=="], "parameters": asked, "info": "{}"})
        else:
            if kind == "repaired":
                say(
                    "A tensor with all NaNs was produced in VAE.",
                    "Web UI will now convert VAE into 32-bit float and retry.",
                )
            rows = {"black": plain((0, 0, 0), *size), "green": plain((0, 255, 0), *size)}.get(kind) or noise(*size)
            made = base64.b64encode(png(rows, filters=(4, 1, 2, 3, 0))).decode()
            self.reply(200, {"images": [made], "parameters": asked, "info": "{}"})

    def reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def interrupted(number: int, frame: object) -> None:
    print(f"Interrupted with signal {number} in {frame}", flush=True)
    os._exit(0)


def load_model() -> None:
    if SCENARIO["model"] == "never":
        return
    model = ROOT / "models" / "Stable-diffusion" / "model.safetensors"
    say(
        f"Loading weights [a6d49664ec] from {model}",
        f"Creating model from config: {ROOT / SCENARIO.get('config', 'v1-inference.yaml')}",
    )
    if SCENARIO["model"] == "failed":
        say(*SCENARIO.get("model_error", "").split("\n"), "", "Stable diffusion model failed to load")
    else:
        time.sleep(SCENARIO.get("loading", 0))
        say("Model loaded in 9.6s (load weights from disk: 0.2s).")


def main() -> None:
    given = {"arguments": ARGUMENTS, "env": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid()}
    signal.signal(signal.SIGINT, signal.SIG_IGN if SCENARIO["sigint"] == "ignore" else interrupted)
    if SCENARIO.get("grandchild"):
        given["grandchild"] = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
    with (ROOT / "given.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(given) + "\n")
    if "card" in SCENARIO:
        tell_card(SCENARIO["card"], SCENARIO["card"].get("before", 0))
    begin = first(SCENARIO.get("starts", []), SCENARIO["start"])
    say("Python 3.10.13 (main, May  9 2026, 07:34:36) [GCC 12.2.0]", "Version: v1.10.1")
    if begin == "crash":
        say(*Path(SCENARIO["crash"]).read_text(encoding="utf-8").split("\n"))
        sys.exit(1)
    if begin == "silent-exit":
        sys.exit(SCENARIO.get("code", 1))
    say(f"Launching Web UI with arguments: {shlex.join(ARGUMENTS)}")
    if begin == "hang":
        time.sleep(600)
    time.sleep(SCENARIO.get("torch", 0))
    say("no module 'xformers'. Processing without...", "No module 'xformers'. Proceeding without it.")
    say(*(line for flag, line in SCENARIO.get("unused", {}).items() if flag in ARGUMENTS))
    (ROOT / "loaded.json").write_text(json.dumps(load_extensions(ARGUMENTS)), encoding="utf-8")
    port = int(value_of("--port", "0"))
    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    server.daemon_threads = True
    hashing = "" if SCENARIO["model"] == "never" else f"Calculating sha256 for {ROOT / 'model.safetensors'}: "
    say(f"{hashing}Running on local URL:  http://127.0.0.1:{server.server_port}")
    if select.select([server.socket], [], [], SCENARIO["linger"])[0]:
        say(CRASH_EARLY)
        os._exit(1)
    say("", "To create a public link, set `share=True` in `launch()`.", "Startup time: 0.5s (import torch: 0.1s).")
    load_model()
    say(*SCENARIO.get("later", []))
    if SCENARIO.get("restart") and not (ROOT / "restarted").exists():
        (ROOT / "restarted").touch()
        (ROOT / "tmp").mkdir(exist_ok=True)
        (ROOT / "tmp" / "restart").touch()
        os._exit(0)
    if "ends" in SCENARIO:
        time.sleep(SCENARIO["ends"])
        os._exit(SCENARIO.get("code", 0))
    server.serve_forever()


if __name__ == "__main__":
    main()
