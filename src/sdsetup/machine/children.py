"""Long-running children: their lines as they come, and their whole tree ended when we end."""

from __future__ import annotations

import logging
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from sdsetup.command import Command
from sdsetup.machine import windows_jobs
from sdsetup.machine.decoding import decode

# Waiting is done in slices: on Windows a blocked lock cannot be left by Ctrl-C.
_SLICE = 0.2  # seconds
# A grandchild that outlives its parent may hold the output open; then the output counts as over.
_LAST_WORDS = 3.0  # seconds after the child's own end; a busy machine reads late
_LONGEST_LINE = 2**20  # bytes; a program that never ends its line must not fill the memory
_END = None
_log = logging.getLogger("sdsetup.commands")


class Child:
    """A program under way, standard output and error in one stream.

        with Child([git, "clone", ...], cwd=folder, env=env) as child:
            for line in child.lines(silence=60):
                ...
        child.rc

    Leaving the block ends the whole tree of processes if any of it is still there. Should this
    process be killed, the system ends the child too (a job object on Windows, the parent-death
    signal on Linux), so that nothing goes on writing behind the next run's back. On Linux that signal
    follows the thread that started the child: start it from one that outlives it. macOS has neither.

    The child has a session of its own: Ctrl-C in the terminal reaches us alone, and `interrupt` passes it
    on. Windows cannot send a Ctrl-C to one program, so there `shares_console` leaves the child in
    our console, where the keyboard reaches it directly.

    Raises:
        OSError: when the program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str],
        shares_console: bool = False,
    ) -> None:
        self._shares_console = shares_console
        _log.info("%s", Command(*argv))
        self._process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=_creation_flags(shares_console),
            start_new_session=sys.platform != "win32",
            preexec_fn=_die_with_parent(),
        )
        self._job = _job_for(self._process)
        self._ended_at: float | None = None
        # Not `queue.Queue`: its lock is written in Python, and a Ctrl-C that comes between taking the lock and
        # using it leaves it locked; whoever reads on then waits for ever.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._all_read = False  # the reader has put its last line and the end
        self._end_seen = False
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"output of {self.pid}")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def rc(self) -> int | None:
        return self._process.poll()

    def lines(self, silence: float | None = None) -> Iterator[str]:
        """Each line as it comes; a carriage return ends a line too, so that progress is seen.

        Raises:
            TimeoutError: when nothing came for `silence` seconds.
        """
        while True:
            line = self._next(silence)
            if line is _END:
                self.wait()
                return
            yield line

    def poll_line(self, timeout: float) -> str | None:
        """The next line, or None when none came in time (or the output is over: see `over`)."""
        try:
            return self._next(timeout)
        except TimeoutError:
            return None

    @property
    def ended(self) -> bool:
        """The program itself has ended; some of its last lines may still wait to be read."""
        return self._process.poll() is not None

    @property
    def over(self) -> bool:
        """It has ended and every line was read."""
        if not self.ended:
            return False
        left = self._lines.qsize()
        if left == 0:
            return self._end_seen or self._forsaken()
        return left == 1 and self._all_read  # the one is the end

    def interrupt(self) -> None:
        """Ask it and what it started to end, as Ctrl-C would.

        On Windows nothing is sent: a child in our console has heard the keyboard already, and one
        with a console of its own cannot be reached.
        """
        if sys.platform != "win32" and not self.ended:
            _signal_group(self._process.pid, signal.SIGINT)

    def end(self, patience: float, *, heard: bool = False) -> bool:
        """End it politely, then by force after `patience` seconds; whether politeness was enough.

        `heard`: the user has just pressed Ctrl-C, which a child in our console has heard too.
        """
        self.interrupt()
        deaf = sys.platform == "win32" and not (self._shares_console and heard)
        polite = self.wait(0 if deaf else patience) is not None
        self.kill_tree()
        return polite

    def wait(self, timeout: float | None = None) -> int | None:
        """Its exit code, or None when it is still there after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE if deadline is None else min(_SLICE, max(0.0, deadline - time.monotonic()))
            try:
                return self._process.wait(left)
            except subprocess.TimeoutExpired:
                if deadline is not None and time.monotonic() >= deadline:
                    return None

    def kill_tree(self) -> None:
        """End it and everything it started, at once."""
        job, self._job = self._job, None
        if sys.platform == "win32":
            _kill_windows_tree(self._process, job)
        else:
            # It leads a session of its own. What made itself another session (a browser that the web UI
            # opened) is meant to stay.
            _signal_group(self._process.pid, signal.SIGKILL)
        self.wait(10)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_tree()
        self._reader.join(timeout=2)

    def _next(self, timeout: float | None) -> str | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._end_seen:
            left = _SLICE if deadline is None else min(_SLICE, max(0.0, deadline - time.monotonic()))
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                if self._forsaken():
                    return _END
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(f"no output for {timeout:.0f} s") from None
                continue
            if line is not _END:
                return line
            self._end_seen = True
        return _END

    def _forsaken(self) -> bool:
        """The child has ended and left its output to somebody who does not close it."""
        if not self.ended:
            return False
        if self._ended_at is None or self._unread():
            self._ended_at = time.monotonic()
        return self._lines.empty() and time.monotonic() - self._ended_at > _LAST_WORDS

    def _unread(self) -> bool:
        """Bytes wait in the pipe: a busy machine has not let the reader come to them. Windows cannot tell."""
        stream = self._process.stdout
        if sys.platform == "win32" or stream is None or stream.closed:
            return False
        try:
            return bool(select.select([stream], [], [], 0)[0])
        except (OSError, ValueError):  # the reader closed it this very moment
            return False

    def _read(self) -> None:
        # The reader closes the stream itself: closing it under its reader would wait for the reader.
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            rest, after_return = b"", False
            while chunk := stream.read1(65536):  # type: ignore[attr-defined]
                if after_return and chunk.startswith(b"\n"):
                    chunk = chunk[1:]  # the second half of a line end that was cut in two
                after_return = chunk.endswith(b"\r")
                *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
                for line in whole:
                    self._lines.put(decode(line))
                if len(rest) > _LONGEST_LINE:
                    self._lines.put(decode(rest))
                    rest = b""
            if rest:
                self._lines.put(decode(rest))
        self._lines.put(_END)
        self._all_read = True


def _creation_flags(shares_console: bool) -> int:
    if sys.platform != "win32":
        return 0
    # Suspended, so that it cannot start anything before it is in its job.
    flags = windows_jobs.CREATE_SUSPENDED
    if not (shares_console and windows_jobs.has_console()):
        flags |= subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return flags


def _die_with_parent() -> Callable[[], None] | None:
    """Linux: the kernel ends this child when its parent dies, however that happens."""
    if sys.platform != "linux":
        return None
    import ctypes

    # All that could take a lock is done here: between fork and exec another thread's lock stays locked.
    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1
    parent = os.getpid()

    def ask() -> None:
        prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask


def _signal_group(leader: int, number: signal.Signals) -> None:
    if sys.platform != "win32":
        try:
            os.killpg(leader, number)
        except (ProcessLookupError, PermissionError):
            return  # nobody there (macOS says "not permitted" for a group of the dead)


def _job_for(process: subprocess.Popen[bytes]) -> int | None:
    """Windows: a job object that ends the whole tree when our handle to it closes."""
    if sys.platform != "win32":
        return None
    try:
        return windows_jobs.assign(process)
    finally:
        windows_jobs.resume(process)


def _kill_windows_tree(process: subprocess.Popen[bytes], job: int | None) -> None:
    if sys.platform == "win32":
        if job is not None and windows_jobs.terminate(job):
            return
        import psutil

        try:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        except psutil.Error:
            pass  # gone in the meantime
        process.kill()
