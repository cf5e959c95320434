"""The web UI as a child of ours: started as its launch file would, watched by its output, ended whole. And whether
one runs already."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sdsetup.catalog.failures import FailureBook
from sdsetup.command import Command
from sdsetup.decide.diagnosis import OURS, Diagnosis, LogOrigin, diagnose_log
from sdsetup.decide.startup import LaunchPlan, Startup, after
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.machine import Machine
from sdsetup.machine.children import Child
from sdsetup.machine.processes import peak_memory, running_web_ui
from sdsetup.redaction.secrets import hide_secrets, known_secrets
from sdsetup.text import Text
from sdsetup.values.facts import Vendor

KEPT_LOGS = 20
_REMEMBERED = 60_000  # lines; what a diagnosis reads
Told = Callable[[Startup, str], None]
_log = logging.getLogger("sdsetup.webui")
_SLICE = 0.25  # seconds
_ASKING_TORCH = 180.0  # seconds; an import from a slow disk
_ASK = (
    "import torch; print('[sdsetup] torch=%s cuda=%s hip=%s available=%s' % (torch.__version__, "
    "torch.version.cuda, getattr(torch.version, 'hip', None), torch.cuda.is_available()))"
)


class WebUI:
    """A web UI under way; made by `start`. `state` says how far it is, `since` when it got where (seconds)."""

    def __init__(self, plan: LaunchPlan, machine: Machine, child: Child, log: WebUILog, told: Told) -> None:
        self.plan = plan
        self.log = log
        self.state = Startup()
        self.peak_bytes: int | None = None
        self._machine = machine
        self._child = child
        self._told = told
        self._began = time.monotonic()
        self._end_noted = False

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def rc(self) -> int | None:
        return self._child.rc

    @property
    def over(self) -> bool:
        """It has ended, and all that it said was read; the log then ends with its exit code."""
        if self._child.over and not self._end_noted:
            self._end_noted = True
            self.log.note(f"ended with code {self._child.rc}")
        return self._end_noted

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def step(self, timeout: float = _SLICE) -> bool:
        """Read one line if one comes in time (seconds); whether one came."""
        line = self._child.poll_line(timeout)
        if line is None:
            return False
        self.state = after(self.state, line)
        self._told(self.state, self.log.add(line))
        return True

    def until(self, done: Callable[[Startup], bool], seconds: float | None = None) -> bool:
        """Read on until the state is as wanted; False when it ended or the time (seconds) was over first."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not done(self.state):
            if not self.step() and (self.over or (deadline is not None and time.monotonic() > deadline)):
                return done(self.state)
        return True

    def measure(self) -> int | None:
        """Bytes of main memory it held at most so far."""
        self.peak_bytes = peak_memory(self.pid) or self.peak_bytes
        return self.peak_bytes

    def stop(self, patience: float, *, heard: bool = False) -> bool:
        """End it, politely at first (see `Child.end`), and read its last words."""
        polite = self._child.end(patience, heard=heard)
        while not self.over and self.step(0.1):
            pass
        return polite

    def kill(self) -> None:
        self._child.kill_tree()

    def origin(self, vendors: tuple[Vendor, ...] | None = None) -> LogOrigin:
        """What is known about this installation besides its log."""
        return LogOrigin(dir=self.plan.dir, python=self.plan.python, family=self._machine.family, vendors=vendors)

    def diagnose(self, book: FailureBook, vendors: tuple[Vendor, ...] | None = None) -> Diagnosis | None:
        """Why it ended, or why its model did not load; None when its log has no line that is known."""
        origin = self.origin(vendors)
        found = diagnose_log(self.log.lines, book, origin=origin)
        if found is not None and found.kind == "symptom" and found.topic == "gpu":
            self._ask_torch()
            found = diagnose_log(self.log.lines, book, origin=origin)
        _log.info("diagnosis: %s", found)
        return found

    def _ask_torch(self) -> None:
        """The web UI's own test of the card hides what torch says; so torch is asked once more."""
        self.log.note("asking torch itself")
        argv = [self.plan.python, "-c", _ASK]
        said = self._machine.run(argv, timeout=_ASKING_TORCH, cwd=Path(self.plan.dir), env=self.plan.env)
        for line in (*said.err.splitlines(), *said.out.splitlines()):
            self.log.add(line)
        if said.problem:
            self.log.note(f"torch gave no answer: {said.problem}")


def _nobody(_state: Startup, _line: str) -> None:
    return


@contextmanager
def start(plan: LaunchPlan, context: Context, *, told: Told = _nobody) -> Iterator[WebUI]:
    """Start the web UI; when the block is left, its whole tree of processes is gone.

    `told` hears every line with the state after it, in the caller's thread.

    Raises:
        SdsetupError: `webui-not-startable` when its Python cannot be run.
    """
    log = WebUILog(context.state, (*plan.secrets, *known_secrets(plan.env)))
    _log.info("starting %s in %s, log %s", plan.argv, plan.dir, log.path)
    log.note(f"started {time.strftime('%Y-%m-%d %H:%M:%S')} with {plan.env.get('COMMANDLINE_ARGS') or 'no flags'}")
    try:
        with _child(plan) as child:
            yield WebUI(plan, context.machine, child, log, told)
    finally:
        log.close()


def _child(plan: LaunchPlan) -> Child:
    try:
        return Child(plan.argv, cwd=Path(plan.dir), env=plan.env, shares_console=True)
    except OSError as error:
        raise SdsetupError(
            Text("The web UI's Python can't be started"),
            where=plan.python,
            why=Text("{error}", error=error.strerror or error),
            hint=Text(
                "Create the Python environment again: {command}",
                command=Command("sdsetup", "install", "--dir", plan.dir),
            ),
            code="webui-not-startable",
        ) from error


class WebUILog:
    """One file per start, line by line, without the secrets among the flags. A disk that refuses it is no reason
    not to start: then the output is only remembered."""

    def __init__(self, state: Path, secrets: Sequence[str] = ()) -> None:
        self.lines: list[str] = []
        self.path: Path | None = None
        self._secrets = tuple(secrets)
        folder = state / "logs"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free_name(folder)
            self._file = path.open("x", encoding="utf-8", errors="replace", newline="\n")
            self.path = path
            for old in sorted(folder.glob("webui-*.log"))[:-KEPT_LOGS]:
                old.unlink(missing_ok=True)
        except OSError:
            self.path = self.path if hasattr(self, "_file") else None

    def add(self, line: str) -> str:
        """Keep a line; the line as it was kept."""
        line = hide_secrets(line, self._secrets)
        self.lines.append(line)
        if len(self.lines) > _REMEMBERED * 1.2:
            del self.lines[: len(self.lines) - _REMEMBERED]
        if self.path is not None:
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except (OSError, ValueError):
                self.path = None  # the disk is full: go on without
        return line

    def note(self, line: str) -> None:
        """A line of our own, marked as such; patterns of failures may ask for it."""
        self.add(f"{OURS} {line}")

    def close(self) -> None:
        if hasattr(self, "_file"):
            try:
                self._file.close()
            except OSError:
                self.path = None


def _free_name(folder: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path, count = folder / f"webui-{stamp}.log", 1
    while path.exists():
        count += 1
        path = folder / f"webui-{stamp}-{count:02d}.log"
    return path


def refuse_running(context: Context) -> None:
    """Raises:
    SdsetupError: `webui-running`.
    """
    found = running_web_ui(context.dir)
    if found is not None:
        raise SdsetupError(
            Text("The web UI is running (process {pid})", pid=found.pid),
            where=context.dir,
            hint=Text("Close it (Ctrl-C in its window), then run the same command again."),
            code="webui-running",
        )
