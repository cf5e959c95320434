"""Short programs run to their end: a time limit that holds, and nothing left running afterwards."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdsetup.machine import Completed, windows_jobs
from sdsetup.machine.decoding import decode

_MOST_OUTPUT = 4_000_000

# Programs under way, so that those which a probe gave up on end with us.
_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()
_watched: list[bool] = []


def run_short(argv: Sequence[str], *, timeout: float, cwd: Path | None, env: Mapping[str, str]) -> Completed:
    """Run a program whose path is known. It and what it started are ended when the time is over (seconds)."""
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=dict(env),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=sys.platform != "win32",
        )
    except FileNotFoundError:
        return Completed(rc=None, problem="missing")
    except PermissionError:
        return Completed(rc=None, problem="denied")
    except (OSError, ValueError) as error:
        return Completed(rc=None, err=str(error), problem="broken")
    job = _begin(process)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return Completed(rc=None, problem="timeout")
    finally:
        _end(process, job)
    return Completed(rc=process.returncode, out=decode(out[:_MOST_OUTPUT]), err=decode(err[:_MOST_OUTPUT]))


def _begin(process: subprocess.Popen[bytes]) -> int | None:
    with _lock:
        _running.add(process)
        if not _watched:
            _watched.append(True)
            atexit.register(_end_all)
    if sys.platform != "win32":
        return None
    return windows_jobs.assign(process)


def _end(process: subprocess.Popen[bytes], job: int | None) -> None:
    with _lock:
        _running.discard(process)
    if sys.platform == "win32" and job is not None:
        windows_jobs.terminate(job)
    elif process.poll() is None:
        _kill(process)
    try:
        # Stuck inside a driver, or its pipe held by somebody we did not start: waiting on would hang us too.
        if sys.platform == "win32":
            process.communicate(timeout=0.5)
        else:
            process.wait(timeout=0.5)
    except (subprocess.TimeoutExpired, ValueError):
        return
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()


def _end_all() -> None:
    with _lock:
        left = list(_running)
    for process in left:
        if process.poll() is None:
            _kill(process)
