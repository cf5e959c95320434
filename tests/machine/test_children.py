"""Real children: what they say, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from sdsetup.machine import children
from sdsetup.machine.children import Child

PATIENCE = 20.0  # seconds: for a machine that is busy with other things


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-u", "-c", textwrap.dedent(code), *arguments]


def start(code: str, *arguments: str) -> Child:
    return Child(python(code, *arguments), env=os.environ)


def gone(pid: int, patience: float = PATIENCE) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


FAMILY = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def test_every_kind_of_line_end_ends_a_line() -> None:
    code = r"""
        import sys
        sys.stdout.buffer.write("one\ntwo\r\n 10%\r 20%\rdrei: größer\nbytes \xff\nlast".encode("utf-8")
                                .replace("\xff".encode(), b"\xff"))
    """
    with start(code) as child:
        lines = list(child.lines(silence=PATIENCE))
    assert lines[:5] == ["one", "two", " 10%", " 20%", "drei: größer"]
    assert lines[5].startswith("bytes ")
    assert lines[6:] == ["last"]
    assert child.rc == 0


def test_a_line_end_cut_in_two_is_one_line_end() -> None:
    code = r"""
        import sys, time
        out = sys.stdout.buffer
        out.write(b"first\r"); out.flush(); time.sleep(0.5)
        out.write(b"\nsecond\r"); out.flush(); time.sleep(0.5)
        out.write(b"third\n")
    """
    with start(code) as child:
        assert list(child.lines(silence=PATIENCE)) == ["first", "second", "third"]


def test_progress_without_a_line_end_is_seen_before_the_end() -> None:
    with start("import sys, time; print(' 10%', end='\\r', flush=True); time.sleep(600)") as child:
        assert child.poll_line(PATIENCE) == " 10%"
        assert not child.over


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    with start("import sys\nfor _ in range(48): sys.stdout.write('x' * 65536)") as child:
        lines = list(child.lines(silence=PATIENCE))
    assert sum(map(len, lines)) == 48 * 65536
    assert max(map(len, lines)) <= 2**20 + 65536


def test_silence_is_told() -> None:
    with (
        start("import time; print('here'); time.sleep(600)") as child,
        pytest.raises(TimeoutError, match="no output for 2 s"),
    ):
        for line in child.lines(silence=2.0):
            assert line == "here"
    assert gone(child.pid)


def test_over_means_that_every_line_was_read() -> None:
    with start("print('a'); print('b')") as child:
        child.wait(PATIENCE)
        assert child.ended
        time.sleep(0.3)
        assert not child.over
        assert list(child.lines(silence=PATIENCE)) == ["a", "b"]
        assert child.over
        assert child.poll_line(0.1) is None
        assert list(child.lines()) == []


INTERRUPTED_OFTEN = """
import signal, sys, time
from sdsetup.machine.children import Child

def interrupt(*_args):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
talking = "import time; [(print(1, flush=True), time.sleep(0.0005)) for _ in iter(int, 1)]"
with Child([sys.executable, "-c", talking], env={}) as child:
    for number in range(3000):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.00005 * (number % 40 + 1))
            while True:
                child.poll_line(0.001)
        except KeyboardInterrupt:
            pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("still listening" if child.poll_line(5) else "deaf")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that interrupts")
def test_a_ctrl_c_at_any_instant_leaves_the_lines_readable() -> None:
    """A lock that is written in Python stays locked when Ctrl-C comes between taking it and using it."""
    argv = [sys.executable, "-c", INTERRUPTED_OFTEN]
    try:
        ended = subprocess.run(argv, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail("it waits for ever")
    assert ended.stdout == "still listening\n", ended.stderr


def test_leaving_the_block_ends_the_grandchildren() -> None:
    with start(FAMILY, "600") as child:
        grandchild = int(child.poll_line(PATIENCE) or 0)
        assert psutil.pid_exists(grandchild)
    assert gone(child.pid)
    assert gone(grandchild)


def test_grandchildren_of_a_child_that_ended_by_itself_end_too() -> None:
    with start(FAMILY, "0") as child:
        grandchild = int(child.poll_line(PATIENCE) or 0)
        child.wait(PATIENCE)
        assert psutil.pid_exists(grandchild)
    assert gone(grandchild)


def test_an_exception_inside_the_block_ends_the_tree() -> None:
    with pytest.raises(RuntimeError, match="on purpose"), start(FAMILY, "600") as child:
        grandchild = int(child.poll_line(PATIENCE) or 0)
        raise RuntimeError("on purpose")
    assert gone(grandchild)


@pytest.mark.skipif(os.name == "nt", reason="on Windows a job object holds every descendant")
def test_somebody_who_keeps_the_output_open_does_not_hold_us() -> None:
    code = """
        import subprocess, sys
        far = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        print(far.pid, flush=True)
    """
    with start(code) as child:
        began = time.monotonic()
        lines = list(child.lines(silence=60))
    assert time.monotonic() - began < 30
    far = psutil.Process(int(lines[0]))
    assert far.is_running(), "what made itself a session of its own is not ours to end"
    far.kill()
    child._reader.join(PATIENCE)  # with the last holder the pipe is gone, and with the pipe its reader
    assert not child._reader.is_alive()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot interrupt one program")
def test_interrupt_is_what_ctrl_c_is() -> None:
    code = """
        import signal, sys, time
        def stop(number, frame):
            print("caught", number, flush=True)
            sys.exit(0)
        signal.signal(signal.SIGINT, stop)
        print("ready", flush=True)
        time.sleep(600)
    """
    with start(code) as child:
        assert child.poll_line(PATIENCE) == "ready"
        assert child.end(PATIENCE) is True
        assert list(child.lines(silence=PATIENCE)) == ["caught 2"]
        assert child.rc == 0
        child.interrupt()  # nobody there any more: nothing happens


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot interrupt one program")
def test_who_does_not_listen_is_ended_by_force() -> None:
    code = """
        import signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(600)
    """
    with start(code) as child:
        assert child.poll_line(PATIENCE) == "ready"
        assert child.end(0.5) is False
        assert gone(child.pid)


@pytest.mark.skipif(os.name == "nt", reason="sessions are a Unix matter")
def test_the_terminals_ctrl_c_does_not_reach_the_child_directly() -> None:
    with start("import time; time.sleep(600)") as child:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)


@pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="macOS has no such signal")
def test_the_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "src"
    code = f"""
        import os, sys, time
        sys.path.insert(0, {str(source)!r})
        from sdsetup.machine.children import Child
        with Child([sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ) as child:
            print(child.pid, flush=True)
            time.sleep(600)
    """
    parent = subprocess.Popen(python(code), stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()  # SIGKILL: nothing of ours runs any more
    parent.wait()
    parent.stdout.close()
    assert gone(child)


def test_a_missing_program_is_an_error_at_once() -> None:
    with pytest.raises(OSError):
        Child(["/no/such/program"], env=os.environ)


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc shows")
def test_many_children_leave_no_open_file_behind() -> None:
    def one() -> None:
        with start("print('x')") as child:
            list(child.lines(silence=PATIENCE))

    one()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(12):
        one()
    assert len(os.listdir("/proc/self/fd")) == before


def test_waiting_has_a_limit() -> None:
    with start("import time; time.sleep(600)") as child:
        assert child.wait(0.3) is None
        child.kill_tree()
        assert child.wait(PATIENCE) == (1 if os.name == "nt" else -signal.SIGKILL)
        child.kill_tree()  # twice is once


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot be asked what waits in a pipe")
def test_last_words_are_read_however_late_the_reader_comes_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that a busy machine keeps waiting for longer than the patience for forsaken output."""
    read = children.Child._read

    def late(child: children.Child) -> None:
        time.sleep(children._LAST_WORDS + 1)
        read(child)

    monkeypatch.setattr(children.Child, "_read", late)
    with children.Child(
        [sys.executable, "-c", "print('last words')"], cwd=Path.cwd(), env=dict(os.environ)
    ) as child:
        assert list(child.lines()) == ["last words"]
