"""Every way in which the project is checked, each by one name: `nox -s tests`, `nox --list` shows them.

nox and not make or just: it makes the environments, it is Python, and so it is the same on Windows.
"""

from __future__ import annotations

from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# Percent of lines and branches, child processes counted. A quarter of the quick tests (those of show, machine and
# probe, a part of execute and decide, hardly any of cli) pass 72 of a hundred; all of them pass more.
COVERED = 71

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests-3.10"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests; `nox -s tests-3.11 -- -m "not slow"` for the quick part."""
    session.install("--editable", ".[dev]")
    session.run("pytest", "--quiet", *session.posargs)


@nox.session(python="3.10")
def lint(session: nox.Session) -> None:
    """Style, types, and who may import whom."""
    session.install("--editable", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session(python="3.10", venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The quick tests with the oldest libraries that pyproject.toml allows: its lower bounds are true."""
    session.install("--resolution", "lowest-direct", "--editable", ".[dev]")
    session.run("pytest", "--quiet", "-m", "not slow", *session.posargs)


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """The quick tests, child processes included, and the share of lines and branches that they pass."""
    session.install("--editable", ".[dev]", "coverage[toml]>=7.10")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--quiet", *(session.posargs or ["-m", "not slow"]))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", f"--fail-under={COVERED}")


@nox.session(python=False)
def windows(session: nox.Session) -> None:
    """The Windows part on the Wine bench, where this machine has one."""
    session.run(str(ROOT / ".ci" / "windows"), external=True)


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """The benchmarks against pip, git and curl; needs nginx and some minutes."""
    session.install("--editable", ".[dev]")
    for name in session.posargs or sorted(path.name for path in (ROOT / "benchmarks").glob("*.py")):
        session.run("python", str(ROOT / "benchmarks" / name))
