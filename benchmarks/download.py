"""What a proved download costs, as ratios to what people use today.

    python benchmarks/download.py [--rounds 9] [--folder DISK] [--megabytes 1024 4266] [--only memory|disk]

Two transfers from a loopback nginx: 1 GiB into memory (/dev/shm) and 4.27 GB to a disk, flushed. In each round
all clients run once, in shuffled order; ratios are taken inside a round, so a machine whose speed drifts drifts
for all of them. Rounds end early once the ratios have settled. Wall time, processor time of the client and its
children, and peak memory are the operating system's own accounting (Linux).

Goals, hash included: at most 1.3 of curl alone, 0.8 of curl then openssl, 0.33 of the hub's client then a hash;
at most 80 MB of memory.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")
OURS = "sdsetup (proved)"
GOALS = {"curl": 1.3, "curl, then openssl": 0.8, "hub client, then a hash": 0.33}
MEMORY_GOAL = 80.0

_NGINX = """
worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; client_body_temp_path {work}/b; proxy_temp_path {work}/p;
  fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  server {{
    listen 127.0.0.1:{port};
    location /org/name/resolve/ {{
      rewrite ^.*$ /model.bin break;
      root {work};
      add_header X-Repo-Commit {commit}; add_header X-Linked-Etag '"{sha256}"'; add_header X-Linked-Size {size};
    }}
    location / {{ root {work}; }}
  }}
}}
"""

_OURS = """
import sys
from pathlib import Path
from sdsetup.values.plan import FetchFile, Source
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.machine.real import RealMachine
size, sha256, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
source = Source(hub="org/name", revision="main", file="model.bin")
file = FetchFile(name="model", save_as="model.bin", size=size, sha256=sha256, sources=(source,))
context = Context(dir=folder, tools=folder, cache=folder / "cache", machine=RealMachine())
fetch(file, context, options=DownloadOptions(look_for_copies=False))
"""

_HUB = """
import hashlib, sys
from huggingface_hub import hf_hub_download
path = hf_hub_download("org/name", "model.bin", local_dir=sys.argv[2])
sha = hashlib.sha256()
buffer = memoryview(bytearray(2**20))
with open(path, "rb", buffering=0) as file:
    while count := file.readinto(buffer):
        sha.update(buffer[:count])
assert sha.hexdigest() == sys.argv[1]
"""


@dataclass(frozen=True)
class Served:
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    memory: float  # megabytes


@contextmanager
def served(megabytes: int, port: int) -> Iterator[Served]:
    """A file of random bytes in memory, behind a loopback nginx that also speaks like a hub."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="bench-server-") as name:
        work = Path(name)
        work.chmod(0o755)
        with (work / "model.bin").open("wb") as file:
            block = random.Random(1).randbytes(2**20)
            for n in range(megabytes):
                file.write(n.to_bytes(8, "big") + block[8:])
        size = (work / "model.bin").stat().st_size
        said = subprocess.run(["openssl", "dgst", "-sha256", "-r", str(work / "model.bin")], capture_output=True)
        sha256 = said.stdout.decode().split()[0]
        configuration = _NGINX.format(work=work, port=port, commit="c" * 40, sha256=sha256, size=size)
        (work / "nginx.conf").write_text(configuration)
        with subprocess.Popen(["nginx", "-c", str(work / "nginx.conf"), "-p", str(work)]) as nginx:
            time.sleep(0.5)
            try:
                yield Served(f"http://127.0.0.1:{port}", size, sha256)
            finally:
                nginx.terminate()


def clients(file: Served, folder: Path, *, flush: bool) -> dict[str, list[str]]:
    """Each client as one command line that leaves the file in `folder`; with `flush`, on the disk itself."""
    target, url = shlex.quote(str(folder / "model.bin")), shlex.quote(f"{file.url}/model.bin")
    sync = f" && sync -d {target}" if flush else ""
    curl = f"curl -s -S -o {target} {url}"
    aria = (
        f"aria2c -q -x8 -s8 --file-allocation=none --checksum=sha-256={file.sha256} "
        f"-d {shlex.quote(str(folder))} -o model.bin {url}"
    )
    hub = shlex.join([sys.executable, "-c", _HUB, file.sha256, str(folder)])
    return {
        "curl": ["sh", "-c", curl + sync],
        "curl, then openssl": ["sh", "-c", f"{curl}{sync} && openssl dgst -sha256 {target}"],
        "aria2c -x8 --checksum": ["sh", "-c", aria + sync],
        "hub client, then a hash": ["sh", "-c", hub + sync],
        OURS: [sys.executable, "-c", _OURS, str(file.size), file.sha256, str(folder)],
    }


def once(command: list[str], env: dict[str, str]) -> Cost:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env) as child:
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:3]} failed with {child.returncode}")
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def measure(file: Served, parent: Path, *, flush: bool, rounds: int) -> dict[str, list[Cost]]:
    """All clients in shuffled rounds, until the ratios have settled."""
    costs: dict[str, list[Cost]] = {}
    dice = random.Random(rounds)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_ENDPOINT": file.url, "HF_HUB_DISABLE_XET": "1"}
    env |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    for done in range(1, rounds + 1):
        names = list(clients(file, parent, flush=flush))
        dice.shuffle(names)
        for name in names:
            with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder:
                own = {**env, "HF_HOME": f"{folder}/hf", "SDSETUP_LOG_DIR": folder}
                if flush:
                    subprocess.run(["sync", "-f", folder], check=True)  # what the last client left behind
                costs.setdefault(name, []).append(once(clients(file, Path(folder), flush=flush)[name], own))
        print(f"  round {done}: {said(costs)}", file=sys.stderr, flush=True)
        if done >= 4 and settled(costs):
            break
    return costs


def ratios(costs: dict[str, list[Cost]], base: str) -> list[float]:
    return [ours.wall / other.wall for ours, other in zip(costs[OURS], costs[base], strict=True)]


def settled(costs: dict[str, list[Cost]]) -> bool:
    """The middle half of every ratio lies within a tenth of its median."""
    for base in GOALS:
        low, middle, high = statistics.quantiles(ratios(costs, base), n=4)
        if (high - low) / middle > 0.1:
            return False
    return True


def said(costs: dict[str, list[Cost]]) -> str:
    return ", ".join(f"{costs[OURS][-1].wall / costs[name][-1].wall:.2f} of {name}" for name in GOALS)


def report(title: str, costs: dict[str, list[Cost]]) -> bool:
    """The table of one transfer; whether all goals were met."""
    base = costs["curl"]
    print(f"\n{title}: {len(base)} rounds; curl {statistics.median(c.wall for c in base):.2f} s wall, "
          f"{statistics.median(c.cpu for c in base):.2f} s processor")  # fmt: skip
    print(f"  {'':26} {'wall / curl':>22} {'cpu / curl':>11} {'memory':>9}")
    for name, own in costs.items():
        wall = [mine.wall / other.wall for mine, other in zip(own, base, strict=True)]
        cpu = statistics.median(mine.cpu / other.cpu for mine, other in zip(own, base, strict=True))
        low, middle, high = statistics.quantiles(wall, n=4) if len(wall) > 1 else wall * 3
        memory = max(cost.memory for cost in own)
        print(f"  {name:26} {middle:8.2f} [{low:.2f}..{high:.2f}] {cpu:11.2f} {memory:6.0f} MB")
    met = True
    for other, goal in GOALS.items():
        found = statistics.median(ratios(costs, other))
        met &= found <= goal
        print(f"  {'met ' if found <= goal else 'MISSED'} {found:.2f} of {other} (goal {goal})")
    memory = max(cost.memory for cost in costs[OURS])
    print(f"  {'met ' if memory <= MEMORY_GOAL else 'MISSED'} {memory:.0f} MB of memory (goal {MEMORY_GOAL:.0f})")
    return met and memory <= MEMORY_GOAL


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=9, help="at most so many")
    options.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    options.add_argument("--megabytes", type=int, nargs=2, default=(1024, 4068), metavar=("MEMORY", "DISK"))
    options.add_argument("--only", choices=("memory", "disk"))
    options.add_argument("--port", type=int, default=18099)
    chosen = options.parse_args()
    missing = [name for name in ("nginx", "curl", "openssl", "aria2c") if shutil.which(name) is None]
    if missing or not MEMORY.is_dir():
        raise SystemExit(f"needs Linux with {', '.join(missing) or '/dev/shm'}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nginx and its gigabytes go too
    met = True
    if chosen.only != "disk":
        with served(chosen.megabytes[0], chosen.port) as file:
            costs = measure(file, MEMORY, flush=False, rounds=chosen.rounds)
        met &= report(f"{chosen.megabytes[0]} MiB into memory", costs)
    if chosen.only != "memory":
        with served(chosen.megabytes[1], chosen.port) as file:
            costs = measure(file, chosen.folder.resolve(), flush=True, rounds=chosen.rounds)
        met &= report(f"{file.size / 1e9:.2f} GB to disk, flushed", costs)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
