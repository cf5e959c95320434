"""What starting costs: processor time and memory of commands, as ratios to `python -c pass`.

    python benchmarks/startup.py [--rounds 15]

All commands run in turn, round by round, so that a machine whose speed drifts drifts for all of them.
Ratios are medians of user plus system time of the whole process and its children, by the operating
system's own accounting (POSIX). Budgets: --version 2.5, --help 10, doctor 25 and 30 MB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "sdsetup --version": ["-m", "sdsetup", "--version"],
    "sdsetup --help": ["-m", "sdsetup", "--help"],
    "sdsetup doctor": ["-m", "sdsetup", "doctor", "--dir"],
    "sdsetup tune --vram 8": ["-m", "sdsetup", "tune", "--vram", "8"],
}
BUDGETS = {"sdsetup --version": 2.5, "sdsetup --help": 10.0, "sdsetup doctor": 25.0}


def once(arguments: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Processor seconds and peak megabytes of one run."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    ) as child:
        _pid, _status, used = os.wait4(child.pid, 0)
        child.returncode = 0
    scale = 1 if sys.platform == "darwin" else 1024
    return used.ru_utime + used.ru_stime, used.ru_maxrss * scale / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "SDSETUP_LOG_DIR": home}
        commands = {**COMMANDS, "sdsetup doctor": [*COMMANDS["sdsetup doctor"], str(Path(home) / "webui")]}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        memory: dict[str, float] = dict.fromkeys(commands, 0.0)
        for turn in range(rounds + 1):
            for name, arguments in commands.items():
                used, peak = once(arguments, env)
                if turn:  # the first round warms the caches
                    seconds[name].append(used)
                    memory[name] = max(memory[name], peak)
    base = statistics.median(seconds["python -c pass"])
    print(f"Python {sys.version.split()[0]}, {rounds} rounds, base {base * 1000:.1f} ms of processor time")
    for name, times in seconds.items():
        budget = f"(budget {BUDGETS[name]})" if name in BUDGETS else ""
        print(f"{name:24} {statistics.median(times) / base:6.2f} x   {memory[name]:6.1f} MB  {budget}")


if __name__ == "__main__":
    main()
