"""What a person put into a repository is never lost, and nothing that a repository names is run."""

from __future__ import annotations

import http.server
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from execute.gitlab import Heard, Origin, context_for, git, make_origin
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.git import WantedCommit, clone_at, whole_at
from sdsetup.execute.steps import webui_checkout as checkout
from sdsetup.values.plan import CloneWebUI

posix = pytest.mark.skipif(os.name == "nt", reason="a shell script takes git's place")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return make_origin(tmp_path / "origin")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but git's index, which looking refreshes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix() != ".git/index"
    }


def commit(folder: Path, name: str = "mine.py") -> None:
    (folder / name).write_text("mine")
    git("add", "-f", name, cwd=folder)
    git("commit", "-q", "-m", "mine", cwd=folder)


def branch(folder: Path) -> None:
    git("checkout", "-q", "-b", "mine", cwd=folder)
    commit(folder)
    git("checkout", "-q", "--detach", "HEAD~1", cwd=folder)


def stash(folder: Path) -> None:
    (folder / "launch.py").write_text("mine")
    git("stash", cwd=folder)


def left_commit(folder: Path) -> None:
    before = git("rev-parse", "HEAD", cwd=folder)
    commit(folder)
    git("checkout", "-q", "--detach", before, cwd=folder)


def hidden_change(folder: Path) -> None:
    git("update-index", "--assume-unchanged", "launch.py", cwd=folder)
    (folder / "launch.py").write_text("mine")


def ignored_file(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "mine.safetensors").write_text("mine")


def beside_bytecode(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "mine.txt").write_text("mine")


def inner_repository(folder: Path) -> None:
    (folder / "models" / "inner").mkdir(parents=True)
    git("init", "-q", ".", cwd=folder / "models" / "inner")


def hook(folder: Path) -> None:
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    (folder / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\n# mine\n")


def no_seal(folder: Path) -> None:
    (folder / ".git" / "sdsetup.json").unlink()


def emptied(name: str) -> Callable[[Path], None]:
    def empty(folder: Path) -> None:
        (folder / "mine.txt").write_text("mine")
        (folder / ".git" / name).write_bytes(b"")

    return empty


PLANTS: dict[str, Callable[[Path], object]] = {
    "commit": commit,
    "branch": branch,
    "tag": lambda folder: git("tag", "mine", cwd=folder),
    "stash": stash,
    "a commit that was left again": left_commit,
    "note": lambda folder: git("notes", "add", "-m", "mine", cwd=folder),
    "remote": lambda folder: git("remote", "add", "mine", "https://example.com/x.git", cwd=folder),
    "staged": lambda folder: git("rm", "-q", "--cached", "launch.py", cwd=folder),
    "hidden change": hidden_change,
    "ignored file": ignored_file,
    "beside bytecode": beside_bytecode,
    "inner repository": inner_repository,
    "hook": hook,
    "made by another program": no_seal,
    "empty HEAD": emptied("HEAD"),
    "broken settings": lambda folder: (folder / ".git" / "config").write_text("[mine"),
    "broken index": emptied("index"),
    "no objects": lambda folder: shutil.rmtree(folder / ".git" / "objects"),
    "git as a file": lambda folder: (
        (folder / ".git").rename(folder / "g"),
        (folder / ".git").write_text("gitdir: g"),
    ),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_whatever_is_not_ours_is_set_aside_whole_and_said(
    tmp_path: Path, origin: Origin, plant: Callable[[Path], object]
) -> None:
    heard = Heard()
    context = context_for(tmp_path / "d", heard)
    target = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), target, WantedCommit(commit=origin.new), context)
    plant(target)
    before = contents(target)
    done = clone_at((origin.url,), target, WantedCommit(commit=origin.old), context)
    assert done.kept is not None
    assert contents(done.kept) == before
    assert any(str(done.kept) in note for note in heard.notes)
    assert whole_at(context, target, origin.old)


def dying_git(folder: Path, question: str) -> str:
    """PATH with a git that the system kills whenever it is asked this."""
    real = shutil.which("git")
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nfor a; do [ "$a" = {question} ] && exit 137; done\nexec {real} "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@posix
@pytest.mark.parametrize("question", ["status", "ls-files", "rev-parse", "config"])
def test_a_question_that_fails_is_no_permission(tmp_path: Path, origin: Origin, question: str) -> None:
    context = context_for(tmp_path / "d")
    target = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), target, WantedCommit(commit=origin.new), context)
    (target / "launch.py").write_text("mine")
    before = contents(target)
    dying = context_for(tmp_path / "d", PATH=dying_git(tmp_path, question))
    try:
        kept = clone_at((origin.url,), target, WantedCommit(commit=origin.old), dying, pauses=()).kept
    except SdsetupError:
        kept = target  # the clone needs that question too: then nothing was touched
    assert kept is not None
    assert contents(kept) == before


@posix
def test_an_installation_that_git_does_not_answer_for_stays_as_it_is(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    before = contents(context.dir)
    with pytest.raises(SdsetupError) as caught:
        place(context_for(tmp_path / "d", PATH=dying_git(tmp_path, "rev-parse")), origin, origin.old, "v1")
    assert caught.value.code == "git-failed"
    assert contents(context.dir) == before


def place(context: Context, origin: Origin, commit: str, tag: str) -> None:
    checkout.place(
        CloneWebUI(urls=(origin.url,), commit=commit, ref=tag, branch="master", full_history=True), context
    )


def broken(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / ".git" / name).write_bytes(content)


def without_log(folder: Path) -> None:
    shutil.rmtree(folder / ".git" / "logs")
    (folder / ".git" / "HEAD").write_bytes(b"")


POWER_CUTS: dict[str, Callable[[Path], object]] = {
    "empty HEAD": broken("HEAD", b""),
    "zeros in HEAD": broken("HEAD", bytes(41)),
    "cut HEAD": broken("HEAD", b"ref: refs/he"),
    "empty branch": broken("refs/heads/mine", b""),
    "cut branch": broken("refs/heads/mine", b"0123456789"),
    "empty index": broken("index", b""),
    "zeros in the index": broken("index", bytes(64)),
    "empty settings with zeros": broken("config", bytes(64)),
    "HEAD without a log": without_log,
}


@pytest.mark.parametrize("cut", POWER_CUTS.values(), ids=POWER_CUTS)
def test_after_a_power_cut_the_installation_is_whole_and_its_own_branch_there(
    tmp_path: Path, origin: Origin, cut: Callable[[Path], object]
) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    git("checkout", "-q", "-b", "mine", cwd=context.dir)
    commit(context.dir)
    mine = git("rev-parse", "HEAD", cwd=context.dir)
    (context.dir / "webui-user.sh").write_text("# my own lines")
    cut(context.dir)
    place(context, origin, origin.new, "v2")
    assert whole_at(context, context.dir, origin.new)
    former = context.state / "former" / "webui.git"
    if former.is_dir():  # as broken as it was, with every object in it
        (former / "HEAD").write_text(mine)
        (former / "config").write_text("")
        assert git("--git-dir", str(former), "rev-parse", "mine", cwd=tmp_path) == mine
        assert git("--git-dir", str(former), "cat-file", "-t", mine, cwd=tmp_path) == "commit"
    else:
        assert git("rev-parse", "mine", cwd=context.dir) == mine
    assert (context.dir / "webui-user.sh").read_text() == "# my own lines"


def test_a_broken_repository_stays_where_a_file_is_in_the_way(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    (context.dir / ".git" / "config").write_text("[broken")
    (context.dir / "launch.py").write_text("mine")
    before = contents(context.dir)
    with pytest.raises(SdsetupError) as caught:
        place(context, origin, origin.new, "v2")
    assert caught.value.code == "folder-in-the-way"
    assert {name: text for name, text in contents(context.dir).items() if "partial" not in name} == before


def test_moving_keeps_every_commit_and_tag_reachable(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    commit(context.dir, "on-master.py")
    on_master = git("rev-parse", "HEAD", cwd=context.dir)
    git("branch", checkout.FORMER_BRANCH, origin.old, cwd=context.dir)
    git("tag", "-f", "v1", on_master, cwd=context.dir)
    git("checkout", "-q", "-b", "mine", cwd=context.dir)
    commit(context.dir, "on-mine.py")
    on_mine = git("rev-parse", "HEAD", cwd=context.dir)
    place(context, origin, origin.old, "v1")
    assert whole_at(context, context.dir, origin.old)
    assert git("rev-parse", "mine", cwd=context.dir) == on_mine
    assert git("rev-parse", "v1", cwd=context.dir) == on_master
    assert git("rev-parse", checkout.FORMER_BRANCH, cwd=context.dir) == origin.old
    assert checkout.FORMER_BRANCH in git("branch", "--contains", on_master, cwd=context.dir)


@posix
def test_a_branch_that_cannot_be_asked_about_is_not_moved(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    commit(context.dir, "on-master.py")
    on_master = git("rev-parse", "HEAD", cwd=context.dir)
    git("checkout", "-q", "-b", "mine", origin.new, cwd=context.dir)
    for question in ("for-each-ref", "branch"):
        shutil.rmtree(tmp_path / "bin", ignore_errors=True)
        with pytest.raises(SdsetupError):
            place(context_for(tmp_path / "d", PATH=dying_git(tmp_path, question)), origin, origin.old, "v1")
        assert git("rev-parse", "master", cwd=context.dir) == on_master
        assert git("branch", "--show-current", cwd=context.dir) == "mine"


def test_moving_never_writes_over_an_ignored_file(tmp_path: Path, origin: Origin) -> None:
    git("checkout", "-q", "-b", "next", cwd=origin.folder)
    (origin.folder / "models").mkdir()
    (origin.folder / "models" / "list.txt").write_text("theirs")
    git("add", "-f", "models/list.txt", cwd=origin.folder)
    git("commit", "-q", "-m", "next", cwd=origin.folder)
    git("tag", "v3", cwd=origin.folder)
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    (context.dir / "models").mkdir()
    (context.dir / "models" / "list.txt").write_text("mine")
    with pytest.raises(SdsetupError) as caught:
        place(context, origin, git("rev-parse", "v3", cwd=origin.folder), "v3")
    assert caught.value.code == "local-changes"
    assert (context.dir / "models" / "list.txt").read_text() == "mine"


@posix
@pytest.mark.parametrize("filter_name", ["x", "a.b c", "x=y"])
def test_no_program_that_a_repository_names_is_run(tmp_path: Path, origin: Origin, filter_name: str) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    blip = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), blip, WantedCommit(commit=origin.new), context)
    witness = tmp_path / "ran"
    program = f"echo $0 $* >>'{witness}'; cat"
    for folder in (context.dir, blip):
        for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
            (folder / ".git" / "hooks" / name).write_text(f"#!/bin/sh\necho {name} >>'{witness}'\n")
            (folder / ".git" / "hooks" / name).chmod(0o755)
        for what in ("clean", "smudge", "process"):
            git("config", f"filter.{filter_name}.{what}", program, cwd=folder)
        git("config", f"filter.{filter_name}.required", "true", cwd=folder)
        for key in ("core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand", "core.askPass"):
            git("config", key, program, cwd=folder)
        git("config", "remote.origin.uploadpack", program, cwd=folder)
        git("config", "submodule.recurse", "true", cwd=folder)
        for command in ("status", "checkout", "rev-parse", "ls-files", "fetch"):
            git("config", f"alias.{command}", f"!{program}", cwd=folder)
        (folder / ".git" / "info" / "attributes").write_text(f"* filter={filter_name}\n")
        (folder / "launch.py").unlink()
        os.utime(folder / "modules" / "part2.py", (1, 1))
    witness.unlink(missing_ok=True)
    try:
        place(context, origin, origin.new, "v2")
        place(context, origin, origin.old, "v1")
    except SdsetupError as error:
        assert filter_name == "x=y", error
    clone_at((origin.url,), blip, WantedCommit(commit=origin.old), context)
    assert not witness.exists(), witness.read_text()


class WantsPassword(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@posix
def test_no_program_that_a_repository_names_is_asked_for_a_password(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.old, "v1")
    witness = tmp_path / "ran"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), WantsPassword) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        host = f"http://127.0.0.1:{server.server_port}"
        for key in ("credential.helper", f"credential.{host}.helper"):
            git("config", key, f"!echo $1 >>'{witness}'", cwd=context.dir)
        wanted = CloneWebUI(urls=(f"{host}/x.git",), commit="1" * 40, ref="v9", branch="master")
        with pytest.raises(SdsetupError) as caught:
            checkout.place(wanted, context)
        server.shutdown()
    assert caught.value.code == "repository-gone"
    assert not witness.exists()


def test_a_repository_of_another_user_is_refused_and_untouched(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    blip = context.dir / "repositories" / "BLIP"
    clone_at((origin.url,), blip, WantedCommit(commit=origin.new), context)
    before = contents(context.dir)
    foreign = context_for(tmp_path / "d", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")  # git's own switch for tests
    for attempt in (
        lambda: place(foreign, origin, origin.old, "v1"),
        lambda: place(foreign, origin, origin.new, "v2"),
        lambda: clone_at((origin.url,), blip, WantedCommit(commit=origin.old), foreign),
    ):
        with pytest.raises(SdsetupError) as caught:
            attempt()
        assert caught.value.code == "folder-of-another-user"
        assert "another user" in str(caught.value)
    assert contents(context.dir) == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
def test_as_root_anothers_repository_is_refused(tmp_path: Path, origin: Origin) -> None:
    context = context_for(tmp_path / "d")
    place(context, origin, origin.new, "v2")
    for path in (context.dir, *context.dir.rglob("*")):
        os.lchown(path, 12345, 12345)
    with pytest.raises(SdsetupError) as caught:
        place(context, origin, origin.new, "v2")
    assert caught.value.code == "folder-of-another-user"


def as_somebody(folder: Path, do: Callable[[], None]) -> int:
    """Do it in a child process that may not read everything, which root may; its exit code."""
    for path in (folder, *folder.rglob("*")) if os.geteuid() == 0 else ():
        os.lchown(path, 65534, 65534)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            do()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@posix
@pytest.mark.parametrize("name", ["", "HEAD", "config", "refs", "objects", "index"])
def test_what_may_not_be_read_is_set_aside(origin: Origin, name: str) -> None:
    with tempfile.TemporaryDirectory() as made:  # below folders that everybody may enter
        root = Path(made)
        root.chmod(0o755)
        url = shutil.copytree(origin.folder, root / "origin").as_uri()
        context = context_for(root / "d", HOME=str(root))
        target = context.dir / "repositories" / "BLIP"
        clone_at((url,), target, WantedCommit(commit=origin.new), context)
        (target / "mine.txt").write_text("mine")

        def attempt() -> None:
            (target / ".git" / name).chmod(0)
            done = clone_at((url,), target, WantedCommit(commit=origin.old), context)
            assert done.kept is not None
            assert (done.kept / "mine.txt").read_text() == "mine"
            assert whole_at(context, target, origin.old)
            (done.kept / ".git" / name).chmod(0o755)

        assert as_somebody(root, attempt) == 0
