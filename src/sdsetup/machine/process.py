"""Long-running children: their lines as they come, and their whole tree ended when we end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from sdsetup.machine.real import decode


class Child:
    """A program under way, standard output and error in one stream.

        with Child([git, "clone", ...], cwd=folder, env=env) as child:
            for line in child.lines(silence=60):
                ...
        child.rc

    Leaving the block ends the whole tree of processes if any of it is still there. Should this
    process be killed, the system ends the child too (a job object on Windows, the parent-death
    signal on Linux), so that nothing goes on writing behind the next run's back. On Linux that signal
    follows the thread that started the child: start it from one that outlives it.

    Raises:
        OSError: when the program cannot be started.
    """

    def __init__(self, argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str]) -> None:
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        self._process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=flags,
            start_new_session=sys.platform != "win32",
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        self._job = _job_for(self._process)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
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
            try:
                line = self._lines.get(timeout=silence)
            except queue.Empty:
                raise TimeoutError(f"no output for {silence:.0f} s") from None
            if line is None:
                self._process.wait()
                return
            yield line

    def poll_line(self, timeout: float) -> str | None:
        """The next line, or None when none came in time (or the output has ended: see `ended`)."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
        return line

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def interrupt(self) -> None:
        """Ask it to end as Ctrl-C would."""
        if self.ended:
            return
        if sys.platform == "win32":
            self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self._process.send_signal(signal.SIGINT)

    def wait(self, timeout: float | None = None) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def kill_tree(self) -> None:
        """End it and everything it started, at once."""
        if sys.platform == "win32":
            _kill_windows_tree(self._process, self._job)
        else:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads its own session
            except (ProcessLookupError, PermissionError):
                self._process.kill()
        self._process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_tree()
        self._reader.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        stream = self._process.stdout
        while chunk := stream.read1(65536):  # type: ignore[attr-defined]
            *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            for line in whole:
                self._lines.put(decode(line))
        if rest:
            self._lines.put(decode(rest))
        self._lines.put(None)


def _die_with_parent() -> None:
    """Linux: the kernel ends this child when its parent dies, however that happens."""
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _job_for(process: subprocess.Popen[bytes]) -> int | None:
    """Windows: a job object that ends the whole tree when our handle to it closes."""
    if sys.platform != "win32":
        return None
    from sdsetup.machine import jobs

    return jobs.assign(process)


def _kill_windows_tree(process: subprocess.Popen[bytes], job: int | None) -> None:
    if sys.platform == "win32":
        from sdsetup.machine import jobs

        if job is None or not jobs.terminate(job):
            process.kill()
