"""How long a log of 5 MB takes to read: `.venv/bin/python benchmarks/diagnosis.py`.

Seconds of this process's own time, so that other work on the machine counts little.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from sdsetup.catalog.failures import parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide.diagnosis import read_log

SAMPLES = Path(__file__).parents[1] / "tests" / "samples" / "logs"
SIZE = 5_000_000


def logs() -> dict[str, str]:
    chance = random.Random(1)
    healthy = [
        line for path in sorted((SAMPLES / "healthy").glob("*.txt")) for line in path.read_text().split("\n")
    ]
    failing = "".join(path.read_text(encoding="utf-8") for path in sorted(SAMPLES.glob("*.txt")))
    varied = "\n".join(f"{chance.choice(healthy)} {chance.random():.6f}" for _ in range(SIZE // 60))
    frame = '  File "/home/anna/sd/modules/sd_models.py", line 693, in get_sd_model: ValueError\n'
    return {
        "healthy lines, each another": varied,
        "one line of a traceback": frame * (SIZE // len(frame)),
        "every failure, again and again": failing * (SIZE // len(failing)),
        "Russian lines": "".join(f"Загрузка расширения {n}, смотрите журнал\n" for n in range(SIZE // 45)),
    }


def main() -> None:
    book = parse_failures(Profiles().raw("failures"), "failures")
    read_log("warm", book)
    for name, text in logs().items():
        for share in (4, 1):
            part = text[: len(text) // share]
            began = time.process_time()
            state = read_log(part, book).state
            print(f"{name:32} {len(part) / 1e6:4.1f} MB {time.process_time() - began:5.2f} s  {state}")


if __name__ == "__main__":
    main()
