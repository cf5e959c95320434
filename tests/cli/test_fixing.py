"""The cures of `doctor --fix`: which are offered for which machine, and what they do."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from machines import Program, RecordedMachine, load_scene, said
from sdsetup.catalog.catalog import Catalog
from sdsetup.errors import SdsetupError, UsageError
from sdsetup.execute.caches import claim, empty_cache
from sdsetup.machine.real import RealMachine
from sdsetup.probe import gather
from sdsetup.values.facts import Facts, Git, Host, Installation, Proxy
from sdsetup.values.findings import Report
from sdsetup.workflows.doctor import judge
from sdsetup.workflows.doctor import offer_fixes as fix
from sdsetup.workflows.doctor_fixes import fix_actions
from sdsetup.workflows.session import Session


def session(machine: Any, **more: Any) -> Session:
    return Session(machine=machine, catalog=Catalog(), json=True, **more)


def windows(tmp_path: Path, **changes: Any) -> RecordedMachine:
    machine, _ = load_scene("rtx3060-desktop")
    env = {**machine.env, "SDSETUP_CACHE_DIR": str(tmp_path / "cache"), "SDSETUP_DATA_DIR": str(tmp_path / "data")}
    return machine.but(env=env, **changes)


def examined(machine: RecordedMachine, folder: str = "C:\\sd-webui", **changes: Any) -> tuple[Session, Report]:
    from pathlib import PureWindowsPath

    facts = gather(machine, PureWindowsPath(folder), subjects=None)  # type: ignore[arg-type]
    run = session(machine)
    return run, judge(run, replace(facts, **changes))


def offered(run: Session, report: Report) -> list[str]:
    return [action.id for action in fix_actions(run, report)]


def test_nothing_for_a_good_machine(tmp_path: Path) -> None:
    run, report = examined(windows(tmp_path))
    assert offered(run, report) == []
    assert fix(run, report, yes=False) is report


def test_python_and_git_are_brought(tmp_path: Path) -> None:
    run, report = examined(windows(tmp_path), pythons=(), git=None)
    assert offered(run, report) == ["bring-python", "bring-git"]
    python, git = fix_actions(run, report)
    assert str(tmp_path / "data") in str(python.what)
    assert python.subjects == ("pythons",)
    assert "Windows settings stay unchanged" in str(git.what)


def test_without_internet_no_download_is_offered(tmp_path: Path) -> None:
    unreachable = (Host(url="https://github.com/", purpose="git", reachable=False),)
    run, report = examined(windows(tmp_path), pythons=(), git=None, hosts=unreachable)
    assert offered(run, report) == []


def test_nobody_there_to_agree(tmp_path: Path) -> None:
    run, report = examined(windows(tmp_path), pythons=())
    with pytest.raises(UsageError) as caught:
        fix(run, report, yes=False)
    assert caught.value.code == "consent-needed"


def test_another_folder_is_meant_and_asked_about(tmp_path: Path) -> None:
    run, report = examined(windows(tmp_path), "C:\\R&D\\sd")
    assert offered(run, report) == ["move-folder"]
    after = fix(run, report, yes=True)
    assert after.facts.folder is not None
    assert after.facts.folder.path == "C:\\sd-webui"
    assert {finding.id for finding in after.findings if finding.status == "warn"} == set()


def test_no_proxy_is_set_for_the_person_on_windows_only(tmp_path: Path) -> None:
    proxy = Proxy(url="http://proxy:3128", origin="environment", spares_loopback=False)
    machine = windows(tmp_path, programs=[Program(run="setx NO_PROXY *", answer=said("SUCCESS"))])
    machine = machine.but(env={**machine.env, "NO_PROXY": "intranet"})
    run, report = examined(machine, proxy=proxy)
    action = next(action for action in fix_actions(run, report) if action.id == "no-proxy")
    assert "intranet,localhost,127.0.0.1,::1" in str(action.run(run, report))
    assert ("setx", "NO_PROXY", "intranet,localhost,127.0.0.1,::1") in machine.asked
    refusing = machine.but(programs=[])
    with pytest.raises(SdsetupError) as caught:
        action.run(session(refusing), report)
    assert caught.value.code == "setx-failed"


def test_git_may_use_long_paths_in_this_clone(tmp_path: Path) -> None:
    clone = tmp_path / ("long" * 20)
    subprocess.run(["git", "init", "--quiet", str(clone)], check=True)
    run, report = examined(windows(tmp_path))
    facts = report.facts
    assert facts.folder is not None
    long = replace(
        facts,
        folder=replace(facts.folder, path=str(clone)),
        installation=Installation(commit="a" * 40),
        git=Git(path="/usr/bin/git", version=(2, 39)),
    )
    report = judge(run, long)
    action = next(action for action in fix_actions(run, report) if action.id == "git-longpaths")
    real = session(RealMachine())
    action.run(real, report)
    told = subprocess.run(["git", "-C", str(clone), "config", "core.longpaths"], capture_output=True, text=True)
    assert told.stdout == "true\n"
    subprocess.run(["git", "-C", str(clone), "config", "--unset", "core.longpaths"], check=True)
    (clone / ".git" / "config.lock").touch()  # as a git that was killed leaves it
    with pytest.raises(SdsetupError) as caught:
        action.run(real, report)
    assert caught.value.code == "git-config-failed" and "lock" in str(caught.value.why)


def test_our_own_cache_is_emptied_when_its_disk_is_short(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    theirs = {
        "wheels/mine.whl": b"mine",
        "photos/me.jpg": b"mine",
        "rehearsal/webui/models/mine.safetensors": b"mine",
    }
    for name, content in theirs.items():  # the variable may name a folder in which other things lie
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_bytes(content)
    claim(cache)
    (cache / "locks").mkdir()
    (cache / "locks" / "a.lock").write_text("held")
    with (cache / "uv" / "torch.whl").open("wb") as file:
        file.truncate(200_000_000)
    facts: Facts = gather(RealMachine(), tmp_path / "webui", subjects=["system", "disk", "folder"])
    full = replace(facts, disk=replace(facts.disk, free_bytes=10**9))
    run = session(RealMachine({"SDSETUP_CACHE_DIR": str(cache), "PATH": ""}))
    report = judge(run, full)
    action = next(action for action in fix_actions(run, report) if action.id == "free-caches")
    assert "0.2 GB" in str(action.what)
    assert str(action.run(run, report)) == "Freed 0.2 GB"
    left = {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    assert left == {**theirs, "locks/a.lock": b"held"}
    assert "free-caches" not in offered(run, report)


@pytest.mark.parametrize("at", range(12))
def test_a_cache_whose_emptying_was_cut_short_is_still_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    claim(tmp_path)
    for name in "abcdef":
        (tmp_path / "uv" / name).mkdir()
        (tmp_path / "uv" / name / "file").write_bytes(b"0" * 1000)
    left, unlink = iter([True] * at), os.unlink

    def cut_short(path: str, **more: int) -> None:
        if not next(left, False):
            raise KeyboardInterrupt
        unlink(path, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "unlink", cut_short)
        empty_cache(tmp_path)
    empty_cache(tmp_path)
    assert not (tmp_path / "uv").exists()


def test_a_link_in_the_cache_leads_to_nothing_that_is_removed(tmp_path: Path) -> None:
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    claim(cache)
    (cache / "uv").rename(elsewhere)
    (elsewhere / "mine").write_text("mine")
    try:
        (cache / "uv").symlink_to(elsewhere, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    empty_cache(cache)
    assert (elsewhere / "mine").read_text() == "mine"


def test_only_what_a_cure_touches_is_asked_again_with_its_hosts(tmp_path: Path) -> None:
    proxy = Proxy(url="http://proxy:3128", origin="environment", spares_loopback=False)
    machine, _ = load_scene("rtx3060-desktop")
    settings = [Program(run="setx NO_PROXY *", answer=said("SUCCESS")), *machine.programs]
    env = {**machine.env, "SDSETUP_CACHE_DIR": str(tmp_path), "HF_ENDPOINT": "https://hub.example"}
    machine = machine.but(env=env, programs=settings)
    run, report = examined(machine, proxy=proxy)
    assert offered(run, report) == ["no-proxy"]
    machine.asked.clear()
    after = fix(run, report, yes=True)
    assert after.facts.proxy is None  # the staged machine has none
    assert [host.url for host in after.facts.hosts if host.purpose == "model"] == ["https://hub.example"]
    assert all(host.reachable for host in after.facts.hosts)
    assert {argv[0].rpartition("\\")[2] for argv in machine.asked} == {"setx", "git.exe", "reach"}
