"""What filling the web UI's environment costs: ours against the web UI's own installer, in one run.

    python benchmarks/provision.py CHECKOUT [--python PYTHON3.10] [--torch 2.1.2 --torchvision 0.16.2]
                                   [--index-url URL] [--rounds 1] [--work FOLDER]

CHECKOUT is a web UI with its `repositories/` in place (what `sdsetup install` leaves); it is copied, not
touched. Each round does, one after the other:

    own installer, empty cache   python -m venv; newest pip; launch.py --exit with pip's cache empty
    ours, empty cache            resolve, download, install and compile, with uv's and our caches empty
    ours, nothing compiled       the same without bytecode, as a plain `uv pip install` leaves it: the first
                                 start is then three times as long
    own installer, full cache    the same again with the cache that this left
    ours, full cache             likewise, in another folder

The own installer fails today at CLIP; it is given the packages that build (CLIP_PACKAGE, OPENCLIP_PACKAGE),
so it is shown at its best. It compiles while it installs, so ours does too, but for the extra row. Both end
with the web UI's own check (`launch.py --exit`), which must find nothing to do. Wall seconds depend on the
line; processor seconds are those of all children. About 35 GB of disk and 12 GB of the line for each round.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from sdsetup.catalog.files import Profiles  # noqa: E402
from sdsetup.catalog.webui import parse_webui  # noqa: E402
from sdsetup.execute.context import Context  # noqa: E402
from sdsetup.execute.environment import build  # noqa: E402
from sdsetup.machine.real import RealMachine  # noqa: E402
from sdsetup.values.plan import BuildEnvironment  # noqa: E402
from sdsetup.values.tuning import TorchBuild  # noqa: E402

SETTLE = 70  # seconds, after which ext4 counts no file as recently deleted


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


class Watch:
    """Wall time, and processor time of this process and all its children."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), self._used()

    def cost(self) -> Cost:
        return Cost(time.monotonic() - self._wall, self._used() - self._cpu)

    @staticmethod
    def _used() -> float:
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(used.ru_utime + used.ru_stime for used in both)


def copy(checkout: Path, folder: Path) -> Path:
    """The checkout without what an installation adds."""
    skip = shutil.ignore_patterns("venv", ".sdsetup", "*.safetensors", "*.ckpt", "outputs", "__pycache__")
    shutil.copytree(checkout, folder, symlinks=True, ignore=skip)
    return folder


def checked(folder: Path, env: dict[str, str]) -> None:
    """The web UI's own dry run: nothing may be left to install."""
    argv = [str(folder / "venv" / "bin" / "python"), "launch.py", "--skip-torch-cuda-test", "--exit"]
    ended = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if ended.returncode or "Installing" in ended.stdout:
        raise SystemExit(f"not whole: {folder}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")


def own_installer(folder: Path, cache: Path, options: argparse.Namespace) -> Cost:
    """As webui.sh does it, without a terminal."""
    index = f" --index-url {options.index_url}" if options.index_url else ""
    env = {
        **os.environ,
        "PIP_CACHE_DIR": str(cache),
        "TORCH_COMMAND": f"pip install torch=={options.torch} torchvision=={options.torchvision}{index}",
        "CLIP_PACKAGE": "clip-anytorch==2.6.0",
        "OPENCLIP_PACKAGE": "open-clip-torch==2.20.0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    python = str(folder / "venv" / "bin" / "python")
    watch = Watch()
    steps = (
        [options.python, "-m", "venv", str(folder / "venv")],
        [python, "-m", "pip", "install", "--upgrade", "pip"],
        [python, "launch.py", "--skip-torch-cuda-test", "--exit"],
    )
    for argv in steps:
        ended = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"{' '.join(argv)} failed:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}")
    cost = watch.cost()
    checked(folder, env)
    return cost


def ours_uncompiled(folder: Path, cache: Path, options: argparse.Namespace) -> Cost:
    with patch("sdsetup.execute.environment.building.compilers", lambda *_: []):
        return ours(folder, cache, options)


def ours(folder: Path, cache: Path, options: argparse.Namespace) -> Cost:
    wish = parse_webui(Profiles().raw("webui")).environment
    index = f" --index-url {options.index_url}" if options.index_url else ""
    action = BuildEnvironment(
        python=options.python,
        torch=TorchBuild(
            family="benchmark",
            torch=options.torch,
            torchvision=options.torchvision,
            xformers=None,
            index_url=options.index_url,
            command=f"pip install torch=={options.torch} torchvision=={options.torchvision}{index}",
        ),
        requirements=wish.requirements,
        extra=wish.extra,
        overrides=wish.overrides,
        build_constraints=wish.build_constraints,
        constraints=wish.constraints,
        compile_later=wish.compile_later,
    )
    env = {**os.environ, "UV_CACHE_DIR": str(cache / "uv")}
    context = Context(dir=folder, tools=cache / "tools", cache=cache, machine=RealMachine(env))
    watch = Watch()
    build(action, context)
    cost = watch.cost()
    checked(folder, env)
    return cost


def one_round(work: Path, options: argparse.Namespace) -> dict[str, Cost]:
    """The two ways in turn, so that a machine whose speed drifts drifts for both.

    What one leaves is written out before the next begins, and deleted only when all are done: neither is
    to pay for the other's dirty pages, nor for its deleted files (ext4 searches long for a number of a new
    file while those of recently deleted ones are held back).
    """
    turns = (
        ("own installer, empty cache", own_installer, "pip"),
        ("ours, empty cache", ours, "ours"),
        ("ours, nothing compiled", ours_uncompiled, "uncompiled"),
        ("own installer, full cache", own_installer, "pip"),
        ("ours, full cache", ours, "ours"),
    )
    costs = {}
    for number, (name, provide, cache) in enumerate(turns):
        folder = copy(options.checkout, work / f"folder-{number}")
        os.sync()
        time.sleep(SETTLE)
        costs[name] = cost = provide(folder, work / f"cache-{cache}", options)
        print(f"  {name}: {cost.wall:.1f} s, {cost.cpu:.1f} s of processor", flush=True)
    shutil.rmtree(work)
    os.sync()
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=lambda text: Path(text).resolve())
    parser.add_argument("--python", default=shutil.which("python3.10") or sys.executable)
    parser.add_argument("--torch", default="2.1.2")
    parser.add_argument("--torchvision", default="0.16.2")
    parser.add_argument("--index-url", default=None)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("provision-benchmark"))
    options = parser.parse_args()
    rounds = [one_round(options.work.resolve() / str(n), options) for n in range(options.rounds)]
    median = {
        name: Cost(
            statistics.median(costs[name].wall for costs in rounds),
            statistics.median(costs[name].cpu for costs in rounds),
        )
        for name in rounds[0]
    }
    base = median["own installer, empty cache"]
    print(f"\n{'':30}{'wall s':>9}{'cpu s':>9}{'wall ratio':>12}{'cpu ratio':>12}")
    for name, cost in median.items():
        print(
            f"{name:30}{cost.wall:9.1f}{cost.cpu:9.1f}{base.wall / cost.wall:11.1f}x{base.cpu / cost.cpu:11.1f}x"
        )


if __name__ == "__main__":
    main()
