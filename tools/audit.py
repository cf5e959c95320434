"""Known vulnerabilities in what we lock, and in what the web UI's environment is made of.

    python tools/audit.py                              # our own lock: nothing is let pass
    python tools/audit.py --environment FILE   # a "pip freeze", less what profiles/vulnerable.toml lists

Asks pip-audit (https://github.com/pypa/pip-audit), which has to be installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).parents[1]


def accepted(text: str) -> list[str]:
    """The ids that an environment may have, each with a reason in the file."""
    entries: list[dict[str, Any]] = tomli.loads(text)["accepted"]
    for entry in entries:
        if missing := {"package", "ids", "because", "source"} - entry.keys():
            raise SystemExit(f"profiles/vulnerable.toml: an entry lacks {', '.join(sorted(missing))}")
    return sorted({one for entry in entries for one in entry["ids"]})


def command(environment: Path | None) -> list[str]:
    asked = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off"]
    if environment is None:
        lock = ROOT / "bootstrap" / "requirements.lock"
        return [*asked, "--require-hashes", "--requirement", str(lock)]
    text = (ROOT / "profiles" / "vulnerable.toml").read_text(encoding="utf-8")
    passed = [part for one in accepted(text) for part in ("--ignore-vuln", one)]
    return [*asked, "--no-deps", *passed, "--requirement", str(environment)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Known vulnerabilities in what is locked.")
    parser.add_argument(
        "--environment", type=Path, metavar="FILE", help="what `pip freeze` says of an environment"
    )
    return subprocess.run(command(parser.parse_args().environment), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
