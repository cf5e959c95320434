"""Clones at a pinned commit: whole or not at all, from the first address that has it, own work kept."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from execute.gitlab import Heard, Origin, context_for, git, make_origin
from sdsetup.errors import SdsetupError
from sdsetup.execute.git import Checkout, WantedCommit, ask, clone_at, commit_of, find, program, whole_at
from sdsetup.execute.git.messages import received, why_git_failed
from sdsetup.execute.steps.webui_checkout import stand_on
from sdsetup.machine.real import RealMachine


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return make_origin(tmp_path / "origin")


@pytest.fixture
def gone(tmp_path: Path) -> str:
    return (tmp_path / "gone.git").as_uri()


class Answers(http.server.BaseHTTPRequestHandler):
    status = 404
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(self.status)
        if self.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


Host = tuple[str, type[Answers]]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that answers every request with one status."""
    kind = type("Kind", (Answers,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x.git", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_checkout_of_an_installation_can_be_pulled_and_described(tmp_path: Path, origin: Origin) -> None:
    folder = tmp_path / "web ui (x86)"
    context = context_for(folder)
    done = clone_at((origin.url,), folder, WantedCommit(commit=origin.old, ref="v1", branch="master"), context)
    assert done == Checkout(commit=origin.old, url=origin.url)
    assert (folder / "launch.py").read_text() == "print(1)\n"
    assert ask(context, folder, "describe", "--tags") == "v1"
    assert ask(context, folder, "rev-list", "--count", "HEAD") == "1"
    assert ask(context, folder, "status", "--porcelain") == ""
    assert ask(context, folder, "rev-parse", "--abbrev-ref", "master@{upstream}") == "origin/master"
    git("pull", "-q", cwd=folder)
    assert ask(context, folder, "rev-parse", "HEAD") == origin.new
    assert (folder / "launch.py").read_text() == "print(2)\n"


def test_full_history_has_every_commit(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    clone_at(
        (origin.url,),
        context.dir,
        WantedCommit(commit=origin.new, ref="v2", full_history=True, branch="master"),
        context,
    )
    assert ask(context, context.dir, "rev-list", "--count", "HEAD") == "2"
    assert ask(context, context.dir, "tag") == "v1\nv2"


def test_a_repository_below_stands_detached_at_its_commit(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    target = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), target, WantedCommit(commit=origin.old), context)
    assert whole_at(context, target, origin.old)
    assert ask(context, target, "branch", "--show-current") == ""
    assert not list((context.state / "partial").iterdir())


def test_an_old_server_that_gives_no_single_commit(tmp_path: Path) -> None:
    origin = make_origin(tmp_path / "old", any_commit=False)
    context = context_for(tmp_path / "d", GIT_PROTOCOL_VERSION="0")
    target = context.dir / "repositories" / "x"
    clone_at((origin.url,), target, WantedCommit(commit=origin.old), context, pauses=())
    assert whole_at(context, target, origin.old)


def test_a_tag_that_was_moved_does_not_move_the_commit(tmp_path: Path, origin: Origin) -> None:
    git("tag", "-f", "v1", origin.new, cwd=origin.folder)
    context = context_for(tmp_path / "d")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.old, ref="v1", branch="master"), context)
    assert whole_at(context, context.dir, origin.old)


def test_a_dead_first_address_costs_one_answer(tmp_path: Path, origin: Origin, host: Host) -> None:
    url, kind = host
    kind.status = 401  # what a deleted repository answers: git would ask for a user name
    heard = Heard()
    context = context_for(tmp_path / "d", heard)
    done = clone_at(
        (url, origin.url), context.dir / "r", WantedCommit(commit=origin.old), context, pauses=(60, 60)
    )
    assert done.url == origin.url
    assert git("remote", "get-url", "origin", cwd=context.dir / "r") == url  # whom a pull would have to trust
    assert len(kind.asked) == 1
    assert any("requires a sign-in" in note for note in heard.notes)


@pytest.fixture
def mute() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x.git"


DEAD = ("http://127.0.0.1:9/x.git", "https://no-such-host.invalid/x.git", "mute", "busy")


@pytest.mark.parametrize("dead", DEAD)
def test_a_dead_address_costs_seconds_where_there_is_another(
    dead: str, tmp_path: Path, origin: Origin, host: Host, mute: str
) -> None:
    busy, kind = host
    kind.status = 503
    first = {"mute": mute, "busy": busy}.get(dead, dead)
    context = context_for(tmp_path / "d")
    began = time.monotonic()
    done = clone_at((first, origin.url), context.dir / "r", WantedCommit(commit=origin.old), context)
    assert done.url == origin.url
    assert time.monotonic() - began < 20  # 10 of them are for a machine that has other work


def test_a_busy_server_is_asked_again_then_named(tmp_path: Path, host: Host) -> None:
    url, kind = host
    kind.status = 503
    context = context_for(tmp_path / "d")
    with pytest.raises(SdsetupError) as caught:
        clone_at((url,), context.dir / "r", WantedCommit(commit="0" * 40), context, pauses=(0.01, 0.01))
    assert caught.value.code == "connection-broken"
    assert len(kind.asked) == 3
    assert not (context.dir / "r").exists()


@pytest.mark.parametrize(
    ("status", "code"), [(404, "repository-gone"), (451, "repository-gone"), (410, "repository-gone")]
)
def test_a_repository_that_is_gone(tmp_path: Path, host: Host, status: int, code: str) -> None:
    url, kind = host
    kind.status = status
    context = context_for(tmp_path / "d")
    with pytest.raises(SdsetupError) as caught:
        clone_at((url,), context.dir / "r", WantedCommit(commit="0" * 40), context, pauses=(60,))
    assert caught.value.code == "repository-gone"
    assert caught.value.where == url
    assert caught.value.hint is not None


def test_nobody_listens(tmp_path: Path) -> None:
    context = context_for(tmp_path / "d")
    with pytest.raises(SdsetupError) as caught:
        clone_at(
            ("http://127.0.0.1:9/x.git",), context.dir / "r", WantedCommit(commit="0" * 40), context, pauses=()
        )
    assert caught.value.code == "connection-broken"


def test_a_commit_nobody_has(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    with pytest.raises(SdsetupError) as caught:
        clone_at((origin.url,), context.dir / "r", WantedCommit(commit="1" * 40), context, pauses=())
    assert caught.value.code == "commit-gone"
    assert not (context.dir / "r").exists()


def test_a_half_made_clone_is_made_again(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    target = context.dir / "repositories" / "BLIP"
    target.mkdir(parents=True)
    git("init", "-q", ".", cwd=target)
    (target / "half.txt").write_text("torn")
    clone_at((origin.url,), target, WantedCommit(commit=origin.old), context)
    assert whole_at(context, target, origin.old)
    assert not (target / "half.txt").exists()


def test_files_that_are_gone_come_back_without_the_network(tmp_path: Path, origin: Origin) -> None:
    heard = Heard()
    context = context_for(tmp_path / "d", heard)
    target = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), target, WantedCommit(commit=origin.old), context)
    (target / "launch.py").unlink()
    assert not whole_at(context, target, origin.old)
    assert clone_at((), target, WantedCommit(commit=origin.old), context).url is None
    assert whole_at(context, target, origin.old)
    assert any("restored" in note for note in heard.notes)


def test_another_commit_gives_way_and_own_work_is_kept(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    target = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), target, WantedCommit(commit=origin.new), context)
    (target / "__pycache__").mkdir()
    (target / "__pycache__" / "x.pyc").write_bytes(b"")
    assert clone_at((origin.url,), target, WantedCommit(commit=origin.old), context).kept is None
    (target / "models").mkdir()  # ignored by git, yet the person's
    (target / "models" / "mine.safetensors").write_text("precious")
    done = clone_at((origin.url,), target, WantedCommit(commit=origin.new), context)
    assert done.kept is not None
    assert (done.kept / "models" / "mine.safetensors").read_text() == "precious"
    assert whole_at(context, target, origin.new)


def test_the_installation_itself_is_never_replaced(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    with pytest.raises(SdsetupError) as caught:
        clone_at((origin.url,), context.dir, WantedCommit(commit=origin.old, ref="v1", branch="master"), context)
    assert caught.value.code == "other-commit"
    assert whole_at(context, context.dir, origin.new)


def test_a_folder_with_models_in_it_is_filled(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    (context.dir / "models").mkdir()
    (context.dir / "models" / "mine.safetensors").write_text("precious")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    assert whole_at(context, context.dir, origin.new)
    assert (context.dir / "models" / "mine.safetensors").read_text() == "precious"


def test_a_run_killed_while_it_filled_the_folder_goes_on(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    (context.dir / "launch.py").write_text("print(2)\n")  # moved in already, then the kill: no .git yet
    (context.dir / "modules").mkdir()
    stale = context.state / "partial" / "d"
    stale.mkdir(parents=True)
    (stale / "torn").write_text("x")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    assert whole_at(context, context.dir, origin.new)
    assert not (context.dir / "torn").exists()


def test_a_different_file_in_the_way_is_named_and_nothing_moves(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    (context.dir / "launch.py").write_text("mine\n")
    with pytest.raises(SdsetupError) as caught:
        clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    assert caught.value.code == "folder-in-the-way"
    assert "launch.py" in str(caught.value)
    assert sorted(p.name for p in context.dir.iterdir()) == [".sdsetup", "launch.py"]


LOCKS = ("index.lock", "HEAD.lock", "refs/heads/master.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_of_a_git_that_was_killed_is_put_aside(tmp_path: Path, origin: Origin, lock: str) -> None:
    context = context_for(tmp_path / "d")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    git("fetch", "-q", origin.url, "refs/tags/v1:refs/tags/v1", cwd=context.dir)
    (context.dir / ".git" / lock).write_bytes(b"")
    stand_on(context, origin.old, "master", former=origin.new)
    assert whole_at(context, context.dir, origin.old)
    assert not (context.dir / ".git" / lock).exists()


def test_a_git_that_runs_keeps_its_lock(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_LOCK_PATIENCE", 0.3)
    context = context_for(tmp_path / "d")
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    git("fetch", "-q", origin.url, "refs/tags/v1:refs/tags/v1", cwd=context.dir)
    lock = context.dir / ".git" / "index.lock"
    lock.write_bytes(b"")
    words = ["git", "cat-file", "--batch"]  # it waits for a name
    with subprocess.Popen(words, cwd=context.dir / "modules", stdin=subprocess.PIPE) as other:
        try:
            with pytest.raises(SdsetupError) as caught:
                stand_on(context, origin.old, "master", former=origin.new)
            assert caught.value.code == "git-busy"
            assert lock.exists()
        finally:
            other.kill()
    stand_on(context, origin.old, "master", former=origin.new)
    assert whole_at(context, context.dir, origin.old)


def test_a_repository_around_the_folder_is_not_meant(tmp_path: Path, origin: Origin) -> None:
    around = tmp_path / "around"
    around.mkdir()
    git("init", "-q", ".", cwd=around)
    context = context_for(around / "d")
    assert ask(context, context.dir, "rev-parse", "--git-dir") is None
    clone_at((origin.url,), context.dir, WantedCommit(commit=origin.new, ref="v2", branch="master"), context)
    assert whole_at(context, context.dir, origin.new)


def test_what_we_add_is_no_change_of_the_persons(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    for _run in range(2):
        clone_at(
            (origin.url,),
            context.dir,
            WantedCommit(commit=origin.new, ref="v2", branch="master"),
            context,
            ignore=("/.sdsetup/",),
        )
        (context.state / "journal.json").write_text("{}")
    assert ask(context, context.dir, "status", "--porcelain") == ""
    assert (context.dir / ".git" / "info" / "exclude").read_text().count("/.sdsetup/") == 1
    assert commit_of(context, context.dir) == origin.new


KILLED = """
import sys, pathlib
sys.path[:0] = {paths!r}
from execute.gitlab import context_for
from sdsetup.execute.git import WantedCommit, clone_at
context = context_for(pathlib.Path({folder!r}), GIT_CONFIG_GLOBAL={config!r})
clone_at(({url!r},), context.dir / "repositories" / "x", WantedCommit(commit={commit!r}), context)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="uses a shell script as the slow server, and SIGKILL")
def test_killed_at_any_moment_then_whole(tmp_path: Path, origin: Origin) -> None:
    hook = tmp_path / "slow"
    hook.write_text('#!/bin/sh\nsleep 0.4\nexec "$@"\n')
    hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[uploadpack]\n\tpackObjectsHook = {hook}\n")
    paths = [str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[1])]
    code = KILLED.format(
        paths=paths, folder=str(tmp_path / "d"), config=str(config), url=origin.url, commit=origin.old
    )
    target = tmp_path / "d" / "repositories" / "x"
    for moment in (0.25, 0.45, 0.6, 0.75):
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.wait()
        context = context_for(tmp_path / "d")
        assert not target.exists() or whole_at(context, target, origin.old), "half a clone in the target"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert whole_at(context_for(tmp_path / "d"), target, origin.old)


def test_a_folder_that_cannot_be_written(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    (context.state / "partial").write_text("a file, not a folder")
    with pytest.raises(SdsetupError) as caught:
        clone_at((origin.url,), context.dir / "r", WantedCommit(commit=origin.old), context, pauses=())
    assert caught.value.code == "file-trouble"


def test_a_git_that_is_missing(tmp_path: Path) -> None:
    machine = RealMachine({"PATH": str(tmp_path)})
    with pytest.raises(SdsetupError) as caught:
        find(machine, tmp_path / "tools")
    assert caught.value.code == "git-missing"
    ours = tmp_path / "tools" / "mingit" / "cmd" / "git.exe"
    ours.parent.mkdir(parents=True)
    ours.touch()
    assert find(machine, tmp_path / "tools") == str(ours)


SAID = """
repository-gone     - fatal: could not read Username for 'https://github.com': terminal prompts disabled
repository-gone     - remote: Repository not found./fatal: repository 'https://github.com/a/b.git/' not found
no-network          - fatal: unable to access 'https://h/': Could not resolve host: h
certificate-refused - fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none
certificate-refused - SSL certificate problem: unable to get local issuer certificate
proxy-failed        + fatal: unable to access 'https://h/': Received HTTP code 407 from proxy after CONNECT
connection-broken   + error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec transferred
connection-broken   + error: RPC failed; curl 92 HTTP/2 stream 0 was not closed cleanly/fatal: early EOF
disk-full           - fatal: write error: No space left on device
path-too-long       - error: unable to create file a/b: Filename too long
folder-of-another-user - fatal: detected dubious ownership in repository at 'C:/x'
commit-gone         - error: Server does not allow request for unadvertised object 11
git-failed          + something new
"""


@pytest.mark.parametrize("line", SAID.strip().splitlines())
def test_why_git_failed(line: str) -> None:
    code, again, said = line.split(maxsplit=2)
    cause = why_git_failed(said)
    assert (cause.code, cause.again) == (code, again == "+")


def test_progress_lines() -> None:
    assert received("Receiving objects:  45% (9/20), 12.50 MiB | 3.00 MiB/s") == (13107200, 3145728.0)
    assert received("Receiving objects: 100% (9/9), 900 bytes | 900.00 KiB/s, done.") == (900, 921600.0)
    assert received("Receiving objects:  10% (1/9)") is None
    assert received("Resolving deltas: 100% (1/1), done.") is None


@pytest.mark.mirror
@pytest.mark.skipif("SDSETUP_GIT_MIRROR" not in os.environ, reason="SDSETUP_GIT_MIRROR is not set")
def test_the_real_web_ui(tmp_path: Path) -> None:
    mirror = Path(os.environ["SDSETUP_GIT_MIRROR"])
    context = context_for(tmp_path / "d", GIT_CONFIG_GLOBAL=str(mirror / "gitconfig"))
    url = "https://github.com/AUTOMATIC1111/stable-diffusion-webui.git"
    commit = "82a973c04367123ae98bd9abdf80d9eda9b910e2"
    clone_at((url,), context.dir, WantedCommit(commit=commit, ref="v1.10.1", branch="master"), context)
    assert ask(context, context.dir, "describe", "--tags") == "v1.10.1"
