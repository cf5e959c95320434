"""Every check on facts made for it: what it says, and what it advises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.tuning_tables import rules, tuned
from sdsetup.catalog.doctor import read_doctor
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.reading import ProfileError
from sdsetup.decide.checks import CHECKS, Requirements, best_python, diagnose
from sdsetup.decide.checks.place import reserved_part
from sdsetup.decide.checks.wording import memory
from sdsetup.decide.tuning.main_card import main_card
from sdsetup.values.contents import (
    CheckedOut,
    DamagedPackage,
    LaunchFileState,
    ModelFile,
    Parts,
    Running,
    Unfinished,
)
from sdsetup.values.facts import (
    GIB,
    Cpu,
    Disk,
    Drive,
    Facts,
    Folder,
    Git,
    Gpu,
    Host,
    Installation,
    Memory,
    Port,
    Proxy,
    Python,
    System,
)
from sdsetup.values.findings import Finding
from sdsetup.values.install_record import InstallRecord

NEED: Requirements = read_doctor(Profiles().raw("doctor")).need(rules())
WINDOWS = System(
    family="windows", name="Windows 11 23H2", build=22631, bits=64, native_arch="x86_64", vc_runtime=True
)
LINUX = System(family="linux", name="Debian 12", bits=64, distribution="debian", libc="glibc 2.36", groups=())
MACOS = System(family="macos", name="macOS 15.1", version="15.1", bits=64, native_arch="arm64")
PY310 = Python(
    path="C:\\Python310\\python.exe", version=(3, 10, 11), bits=64, implementation="CPython", can_venv=True
)
RTX3060 = Gpu(
    vendor="nvidia",
    name="NVIDIA GeForce RTX 3060",
    vram_bytes=12 * GIB,
    compute_capability=(8, 6),
    driver_version="551.52",
    cuda_version="12.4",
    source="nvml",
    index=0,
)
GOOD = Facts(
    system=WINDOWS,
    gpus=(RTX3060,),
    pythons=(PY310,),
    git=Git(path="git", version=(2, 47, 1)),
    memory=Memory(total_bytes=16 * GIB, available_bytes=9 * GIB, pagefile_bytes=3 * GIB, pagefile_managed=True),
    cpu=Cpu(name="Intel Core i5-12400F", physical=6, logical=12),
    disk=Disk(free_bytes=200 * 10**9, filesystem="NTFS", drive="fixed"),
    folder=Folder(path="C:\\sd-webui", writable=True),
    port=Port(number=7860, free=True),
    hosts=(Host(url="https://github.com/", purpose="git", reachable=True),),
    drives=(
        Drive(root="C:\\", free_bytes=200 * 10**9, filesystem="NTFS", kind="fixed"),
        Drive(root="D:\\", free_bytes=600 * 10**9, filesystem="NTFS", kind="fixed"),
    ),
)


def find(id: str, facts: Facts, need: Requirements = NEED) -> Finding:
    return next(finding for finding in diagnose(facts, need).findings if finding.id == id)


def status(id: str, facts: Facts, need: Requirements = NEED) -> str:
    return find(id, facts, need).status


def test_a_good_machine_has_no_complaint() -> None:
    report = diagnose(GOOD, NEED)
    assert report.ok
    assert {finding.status for finding in report.findings} == {"ok", "skip"}
    assert len({finding.id for finding in report.findings}) == len(CHECKS)


def test_the_contract_s_ids_are_all_there() -> None:
    wanted = {
        "os",
        "python",
        "git",
        "gpu",
        "driver",
        "memory",
        "pagefile",
        "cpu",
        "disk",
        "folder",
        "port",
        "network",
        "webui",
    }
    assert wanted <= {finding.id for finding in diagnose(GOOD, NEED).findings}


@pytest.mark.parametrize(
    ("system", "wanted"),
    [
        (WINDOWS, "ok"),
        (replace(WINDOWS, build=7601, name="Windows 7"), "fail"),
        (replace(WINDOWS, build=9600, name="Windows 8.1"), "fail"),
        (replace(WINDOWS, bits=32), "fail"),
        (replace(WINDOWS, arch="x86_64", native_arch="arm64"), "fail"),
        (replace(WINDOWS, admin=True), "warn"),
        (LINUX, "ok"),
        (replace(LINUX, libc="glibc 2.12"), "fail"),
        (replace(LINUX, libc=None, name="Alpine Linux v3.20"), "warn"),
        (replace(LINUX, root=True), "warn"),
        (replace(LINUX, bits=32), "fail"),
        (MACOS, "ok"),
        (replace(MACOS, version="12.1"), "fail"),
        (replace(MACOS, rosetta=True), "warn"),
    ],
)
def test_system(system: System, wanted: str) -> None:
    assert status("os", replace(GOOD, system=system)) == wanted


@pytest.mark.parametrize(
    ("driver", "capability", "system", "wanted"),
    [
        ("551.52", (8, 6), WINDOWS, "ok"),
        ("528.33", (8, 6), WINDOWS, "ok"),
        ("527.99", (8, 6), WINDOWS, "warn"),
        ("452.39", (8, 6), WINDOWS, "warn"),
        ("452.06", (8, 6), WINDOWS, "fail"),
        ("525.60.13", (8, 6), LINUX, "ok"),
        ("525.53", (8, 6), LINUX, "warn"),
        ("450.80.02", (8, 6), LINUX, "warn"),
        ("450.51.06", (8, 6), LINUX, "fail"),
        ("570.65", (12, 0), WINDOWS, "ok"),
        ("566.36", (12, 0), WINDOWS, "fail"),
        ("572.70", (12, 0), replace(LINUX, wsl=True), "ok"),
        ("528.20", (8, 6), replace(LINUX, wsl=True), "warn"),
        ("470.57.02", (3, 7), LINUX, "ok"),
        ("391.35", (2, 1), WINDOWS, "skip"),
        ("610.62", (8, 6), WINDOWS, "ok"),
        ("551.52", None, WINDOWS, "ok"),
        (None, (8, 6), WINDOWS, "skip"),
    ],
)
def test_driver(driver: str | None, capability: Any, system: System, wanted: str) -> None:
    gpu = replace(RTX3060, driver_version=driver, compute_capability=capability)
    assert status("driver", replace(GOOD, system=system, gpus=(gpu,))) == wanted


def test_advice_about_drivers_fits_the_card() -> None:
    old = replace(RTX3060, name="NVIDIA GeForce GTX 1070", compute_capability=(6, 1), driver_version="471.11")
    fix = find("driver", replace(GOOD, gpus=(old,))).fix
    assert fix is not None
    assert "580.xx" in str(fix.text)
    fix = find("driver", replace(GOOD, gpus=(replace(RTX3060, driver_version="471.11"),))).fix
    assert fix is not None
    assert "580" not in str(fix.text)
    fix = find("driver", replace(GOOD, system=replace(LINUX, wsl=True), gpus=(old,))).fix
    assert fix is not None
    assert "in Windows" in str(fix.text)
    linux = replace(
        GOOD, system=replace(LINUX, nouveau=True), gpus=(Gpu(vendor="nvidia", name="X", source="sysfs"),)
    )
    finding = find("driver", linux)
    assert finding.status == "fail"
    assert "nouveau" in str(finding.why)
    assert finding.fix is not None
    assert finding.fix.command == "sudo apt install nvidia-driver"
    for problem, wanted in (("timeout", "warn"), ("failed", "warn"), ("denied", "fail"), ("no-devices", "fail")):
        assert status("driver", replace(linux, driver_problem=problem)) == wanted
    blocked = find("driver", replace(linux, system=replace(LINUX, wsl=True), driver_problem="blocked"))
    assert blocked.fix is not None
    assert blocked.fix.command == "wsl --shutdown"
    assert "stopped responding" in str(find("driver", replace(linux, driver_problem="lost")).why)
    mismatch = find("driver", replace(linux, driver_problem="mismatch"))
    assert "restarted" in str(mismatch.summary)


@pytest.mark.parametrize(
    ("gpus", "wanted"),
    [
        ((), None),
        ((RTX3060,), 0),
        ((Gpu(vendor="intel", name="UHD", integrated=True), RTX3060), 1),
        ((replace(RTX3060, compute_capability=(3, 5)),), None),
        ((replace(RTX3060, vram_bytes=8 * GIB), replace(RTX3060, vram_bytes=24 * GIB)), 1),
        (
            (
                replace(RTX3060, compute_capability=(3, 7), vram_bytes=24 * GIB),
                replace(RTX3060, vram_bytes=4 * GIB),
            ),
            1,
        ),
        ((Gpu(vendor="amd", name="RX 6700 XT", vram_bytes=12 * GIB),), None),
        (
            (
                replace(RTX3060, name="NVIDIA GeForce RTX 4070", compute_capability=(8, 9)),
                replace(RTX3060, name="NVIDIA GeForce RTX 3090", vram_bytes=24 * GIB, index=1),
            ),
            1,
        ),
    ],
)
def test_which_card(gpus: tuple[Gpu, ...], wanted: int | None) -> None:
    """The doctor names the card that the tuning uses."""
    facts = replace(GOOD, gpus=gpus)
    card = main_card(facts, NEED.rules)
    assert card == (None if wanted is None else gpus[wanted])
    if card is not None:
        assert tuned(facts).gpu == card


def test_a_driver_may_be_too_new_for_a_card() -> None:
    """Branch 580 is the last for a GTX 10: 591 shows no card to PyTorch, and "install the newest" is wrong."""
    card = replace(RTX3060, name="NVIDIA GeForce GTX 1070", compute_capability=(6, 1), driver_version="591.86")
    finding = find("driver", replace(GOOD, gpus=(card,)))
    assert finding.status == "fail"
    assert finding.fix is not None
    assert "580.xx" in str(finding.fix.text)


def test_a_radeon_whose_driver_does_not_answer() -> None:
    card = Gpu(vendor="amd", name="Radeon RX 9070/9070 XT/9070 GRE", source="sysfs", pci_id="7550")
    linux = replace(GOOD, system=replace(LINUX, groups=("render", "video")), gpus=(card,))
    assert find("gpu", linux).status == "fail"
    assert status("gpu", replace(linux, gpus=(replace(card, gfx="gfx1201", vram_bytes=16 * GIB),))) == "ok"


def test_an_amd_card_is_used_on_linux_by_members_of_its_groups() -> None:
    card = Gpu(vendor="amd", name="AMD Radeon RX 6700 XT", vram_bytes=12 * GIB, integrated=False)
    outside = replace(GOOD, system=LINUX, gpus=(card,))
    finding = find("gpu", outside)
    assert finding.status == "fail"
    assert finding.fix is not None
    assert finding.fix.command == 'sudo usermod -aG render,video "$USER"'
    assert status("gpu", replace(outside, system=replace(LINUX, groups=("render", "video")))) == "ok"
    assert status("gpu", replace(outside, system=replace(LINUX, root=True, groups=("root",)))) == "ok"
    assert status("gpu", replace(outside, system=replace(LINUX, wsl=True))) == "warn"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"vram_bytes": 12 * GIB}, "ok"),
        ({"vram_bytes": 4095 * 2**20}, "ok"),
        ({"vram_bytes": 3 * GIB}, "warn"),
        ({"vram_bytes": 1 * GIB}, "warn"),
        ({"vram_bytes": None}, "ok"),
        ({"vram_used_bytes": 5 * GIB}, "warn"),
        ({"vram_used_bytes": 1 * GIB}, "ok"),
    ],
)
def test_card_memory(change: dict[str, Any], wanted: str) -> None:
    assert status("gpu", replace(GOOD, gpus=(replace(RTX3060, **change),))) == wanted


def test_without_a_card() -> None:
    assert status("gpu", replace(GOOD, gpus=())) == "warn"
    assert status("gpu", replace(GOOD, gpus=()), replace(NEED, gpu_required=True)) == "fail"
    assert status("driver", replace(GOOD, gpus=())) == "skip"


@pytest.mark.parametrize(
    ("python", "system", "wanted"),
    [
        ({}, WINDOWS, "ok"),
        ({"version": (3, 10, 6)}, WINDOWS, "ok"),
        ({"version": (3, 11, 9)}, WINDOWS, "warn"),
        ({"version": (3, 11, 9)}, LINUX, "ok"),
        ({"version": (3, 12, 1)}, LINUX, "warn"),
        ({"bits": 32}, WINDOWS, "warn"),
        ({"store_stub": True, "version": None}, WINDOWS, "warn"),
        ({"origin": "store"}, WINDOWS, "warn"),
        ({"embeddable": True}, WINDOWS, "warn"),
        ({"can_venv": False}, LINUX, "warn"),
        ({"can_venv": None}, LINUX, "ok"),
        ({"implementation": "PyPy"}, LINUX, "warn"),
        ({"version": None}, LINUX, "warn"),
    ],
)
def test_python(python: dict[str, Any], system: System, wanted: str) -> None:
    facts = replace(GOOD, system=system, pythons=(replace(PY310, **python),))
    assert status("python", facts) == wanted
    if wanted == "warn":
        assert best_python(facts, NEED) is None
        assert status("python", facts, replace(NEED, brings=frozenset())) == "fail"


def test_the_best_python_is_the_wanted_one() -> None:
    old, new, other = (replace(PY310, version=version) for version in ((3, 10, 6), (3, 10, 13), (3, 11, 9)))
    assert best_python(replace(GOOD, system=LINUX, pythons=(old, other, new)), NEED) == new
    assert best_python(replace(GOOD, system=LINUX, pythons=(other,)), NEED) == other
    assert best_python(replace(GOOD, pythons=(other,)), NEED) is None


def test_git() -> None:
    assert status("git", replace(GOOD, git=None)) == "fail"
    assert status("git", replace(GOOD, git=None), replace(NEED, brings=frozenset({"git"}))) == "warn"
    assert status("git", replace(GOOD, git=Git(path="git", version=(1, 9)))) == "warn"
    fix = find(
        "git", replace(GOOD, system=replace(LINUX, distribution="linuxmint", like=("ubuntu",)), git=None)
    ).fix
    assert fix is not None
    assert fix.command == "sudo apt install git"
    fix = find("git", replace(GOOD, system=replace(LINUX, distribution="void", like=()), git=None)).fix
    assert fix is not None
    assert fix.command is None


@pytest.mark.parametrize(
    ("memory", "system", "of_memory", "of_pagefile"),
    [
        (Memory(total_bytes=16 * GIB, pagefile_bytes=0, pagefile_managed=False), WINDOWS, "ok", "warn"),
        (Memory(total_bytes=16 * GIB, pagefile_bytes=0, pagefile_managed=True), WINDOWS, "ok", "ok"),
        (Memory(total_bytes=15 * GIB, pagefile_bytes=2 * GIB, pagefile_managed=False), WINDOWS, "ok", "ok"),
        (Memory(total_bytes=32 * GIB, pagefile_bytes=0, pagefile_managed=False), WINDOWS, "ok", "ok"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=2 * GIB, pagefile_managed=False), WINDOWS, "warn", "warn"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=8 * GIB, pagefile_managed=False), WINDOWS, "warn", "ok"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=2 * GIB, pagefile_managed=True), WINDOWS, "warn", "ok"),
        (Memory(total_bytes=4 * GIB, pagefile_bytes=8 * GIB, pagefile_managed=False), WINDOWS, "warn", "warn"),
        (Memory(total_bytes=16 * GIB, pagefile_bytes=0), LINUX, "ok", "ok"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=0), LINUX, "warn", "warn"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=2 * GIB), replace(LINUX, wsl=True), "warn", "warn"),
        (Memory(total_bytes=8 * GIB, pagefile_bytes=0), MACOS, "warn", "ok"),
        (Memory(), WINDOWS, "skip", "skip"),
    ],
)
def test_memory(memory: Memory, system: System, of_memory: str, of_pagefile: str) -> None:
    facts = replace(GOOD, system=system, memory=memory)
    assert (status("memory", facts), status("pagefile", facts)) == (of_memory, of_pagefile)


def test_nobody_in_wsl_is_told_to_buy_memory() -> None:
    wsl = replace(GOOD, system=replace(LINUX, wsl=True), memory=Memory(total_bytes=8 * GIB, pagefile_bytes=0))
    for id in ("memory", "pagefile"):
        fix = find(id, wsl).fix
        assert fix is not None
        assert ".wslconfig" in str(fix.text)
        assert fix.command == "wsl --shutdown"


@pytest.mark.parametrize(
    ("disk", "wanted"),
    [
        (Disk(free_bytes=200 * 10**9), "ok"),
        (Disk(free_bytes=9 * 10**9), "fail"),
        (Disk(free_bytes=18 * 10**9), "warn"),
        (Disk(free_bytes=200 * 10**9, drive="network"), "warn"),
        (Disk(free_bytes=200 * 10**9, drive="removable"), "warn"),
        (Disk(free_bytes=200 * 10**9, filesystem="FAT32", max_file_bytes=2**32 - 1), "ok"),
        (Disk(), "skip"),
    ],
)
def test_disk(disk: Disk, wanted: str) -> None:
    assert status("disk", replace(GOOD, disk=disk)) == wanted


def test_fat32_holds_the_first_model_and_no_larger_one() -> None:
    """v1-5-pruned-emaonly has 4 265 146 304 bytes: 29.8 MB less than FAT32's limit."""
    fat = replace(GOOD, disk=Disk(free_bytes=200 * 10**9, filesystem="FAT32", max_file_bytes=2**32 - 1))
    assert status("disk", fat) == "ok"
    assert status("disk", fat, replace(NEED, largest_file_bytes=6_938_040_682)) == "fail"


def test_the_drive_with_temporary_files_counts_too() -> None:
    assert status("disk", replace(GOOD, temp=Disk(free_bytes=10**9))) == "warn"
    assert status("disk", replace(GOOD, temp=Disk(free_bytes=10**10))) == "ok"


@pytest.mark.parametrize(
    ("folder", "wanted", "about"),
    [
        (Folder(path="C:\\sd-webui", writable=True), "ok", ""),
        (Folder(path="C:\\AI (x86)\\sd", writable=True), "ok", ""),
        (Folder(path="C:\\R&D\\sd", writable=True), "warn", "&"),
        (Folder(path="C:\\100%\\sd", writable=True), "warn", "%"),
        (Folder(path="C:\\тест", writable=True), "warn", "characters such as"),
        (Folder(path="C:\\aux\\sd", writable=True), "fail", "aux"),
        (Folder(path="C:\\sd.\\x", writable=True), "fail", "sd."),
        (Folder(path="C:\\" + "a" * 70, writable=True), "warn", "73"),
        (Folder(path="C:\\" + "a" * 120, writable=True), "fail", "123"),
        (Folder(path="C:\\x", state="file"), "fail", "file"),
        (Folder(path="C:\\x", state="foreign", entries=("a.txt",), writable=True), "fail", "a.txt"),
        (
            Folder(path="C:\\x", state="git", remote="https://example.org/y.git", writable=True),
            "fail",
            "example.org",
        ),
        (Folder(path="C:\\x", state="webui", writable=True), "ok", ""),
        (Folder(path="C:\\Program Files\\sd", protected_root="C:\\Program Files"), "fail", "administrator"),
        (
            Folder(path="C:\\Users\\a\\OneDrive\\sd", cloud_root="C:\\Users\\a\\OneDrive", writable=True),
            "fail",
            "OneDrive",
        ),
        (Folder(path="C:\\x", writable=False, write_error="Access is denied"), "fail", "Access is denied"),
    ],
)
def test_folder(folder: Folder, wanted: str, about: str) -> None:
    finding = find("folder", replace(GOOD, folder=folder))
    assert finding.status == wanted
    assert about in str(finding.why or "")


def test_a_better_folder_is_named_and_is_another_one() -> None:
    fix = find("folder", replace(GOOD, folder=Folder(path="C:\\R&D\\sd", writable=True))).fix
    assert fix is not None
    assert fix.command == "sdsetup install --dir C:\\sd-webui"
    full = replace(
        GOOD,
        disk=Disk(free_bytes=10**9),
        drives=(replace(GOOD.drives[0], free_bytes=10**9), GOOD.drives[1]),
    )
    fix = find("disk", full).fix
    assert fix is not None
    assert fix.command == "sdsetup install --dir D:\\sd-webui"
    same = find("disk", replace(full, folder=Folder(path="D:\\sd-webui", writable=True))).fix
    assert same is not None
    assert same.command is None


def test_controlled_folder_access_is_named() -> None:
    folder = Folder(path="C:\\Users\\a\\Documents\\sd", writable=False, write_error="no such file")
    guarded = replace(GOOD, system=replace(WINDOWS, controlled_folders=True), folder=folder)
    assert "Controlled folder access" in str(find("folder", guarded).why)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("C:\\sd", None),
        ("C:\\con", "con"),
        ("C:\\NUL.txt", "NUL.txt"),
        ("C:\\console", None),
        ("C:\\com1\\x", "com1"),
        ("C:\\com10", None),
        ("C:\\a:b", "a:b"),
        ("C:\\a?", "a?"),
        ("C:\\x \\y", "x "),
        ("C:\\" + "a" * 256, "a" * 256),
        ("\\\\server\\share\\sd", None),
        ("..\\sd", None),
    ],
)
def test_names_that_windows_does_not_allow(path: str, part: str | None) -> None:
    assert reserved_part(path) == part


def test_port() -> None:
    taken = find("port", replace(GOOD, port=Port(number=7860, free=False, holder="python.exe (pid 4711)")))
    assert taken.status == "warn"
    assert "python.exe (pid 4711)" in str(taken.summary)
    kept = find("port", replace(GOOD, port=Port(number=7860, free=False, reserved=True)))
    assert str(kept.summary) == "7860 is reserved by the system"
    assert kept.fix is not None
    assert "excludedportrange" in str(kept.fix.command)
    linux = replace(GOOD, system=replace(GOOD.system, family="linux"))
    low = find("port", replace(linux, port=Port(number=80, free=False, reserved=True)))
    assert low.fix is not None
    assert (low.fix.command, "1024" in str(low.fix.text)) == (None, True)
    assert status("port", replace(GOOD, port=Port(number=7860))) == "skip"


def hosts(*answers: tuple[str, bool | None]) -> tuple[Host, ...]:
    return tuple(
        Host(
            url=f"https://{purpose}{n}.example/",
            purpose=purpose,
            reachable=there,
            problem=None if there else "dns",
        )
        for n, (purpose, there) in enumerate(answers)
    )


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ((("git", True), ("model", True)), "ok"),
        ((("git", True), ("model", False)), "warn"),
        ((("git", False), ("model", False)), "fail"),
        ((("git", None),), "skip"),
        ((), "skip"),
    ],
)
def test_network(answers: tuple[tuple[str, bool | None], ...], wanted: str) -> None:
    facts = replace(GOOD, hosts=hosts(*answers))
    assert status("network", facts) == wanted
    if wanted == "fail":  # what is installed needs no network
        assert status("network", replace(facts, installation=Installation(commit="a" * 40))) == "warn"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("dns", "no internet connection"),
        (None, "no internet connection"),
        ("timeout", "can't reach"),
        ("http-451", "can't reach"),
        ("proxy", "can't reach"),
    ],
)
def test_only_names_that_nobody_knows_are_no_connection(problem: str | None, said: str) -> None:
    silent = tuple(replace(host, problem=problem) for host in hosts(("git", False), ("model", False)))
    facts = replace(GOOD, hosts=silent)
    finding = next(finding for finding in diagnose(facts, NEED).findings if finding.id == "network")
    assert said in str(finding.summary)
    assert finding.status == "fail"
    assert finding.fix is not None and ("Connect this PC" in str(finding.fix.text)) == (said != "can't reach")


def test_proxy() -> None:
    assert status("proxy", GOOD) == "skip"
    proxy = Proxy(url="http://proxy:3128", origin="environment", spares_loopback=False)
    assert status("proxy", replace(GOOD, proxy=proxy)) == "warn"
    assert status("proxy", replace(GOOD, proxy=replace(proxy, spares_loopback=True))) == "ok"


WHOLE = Installation(
    commit="82a973c04367123ae98bd9abdf80d9eda9b910e2",
    branch="master",
    models=("model.safetensors",),
    environment_python=(3, 10, 11),
    torch="2.1.2+cu121",
    launch_files=("webui-user.bat",),
)


@pytest.mark.parametrize(
    ("id", "change", "wanted", "about"),
    [
        ("webui", {}, "ok", ""),
        ("webui", {"foreign_owner": True}, "fail", "belong to another account"),
        ("webui", {"commit": None}, "warn", "history"),
        ("environment", {}, "ok", ""),
        (
            "environment",
            {"environment_broken": "its Python is missing", "environment_python": None},
            "fail",
            "its Python is missing",
        ),
        ("environment", {"torch": None}, "fail", "incomplete"),
        ("models", {"models": ()}, "warn", "model"),
        ("launch-file", {"launch_files": ()}, "fail", "webui-user.bat"),
    ],
)
def test_an_installation(id: str, change: dict[str, Any], wanted: str, about: str) -> None:
    finding = find(id, replace(GOOD, installation=replace(WHOLE, **change)))
    assert finding.status == wanted
    assert about in str(finding.why or "")


SIZE = 4_265_146_304
LOCKED = (("numpy", "1.26.2"), ("pip", "26.3"), ("setuptools", "69.5.1"), ("torch", "2.1.2+cu121"))
PARTS = Parts(
    checkouts=(
        CheckedOut(path="", commit="a" * 40, missing=()),
        CheckedOut(path="repositories/BLIP", commit="b" * 40, missing=()),
    ),
    locked=LOCKED,
    packages=LOCKED,
    models=(ModelFile(name="model.safetensors", size=SIZE),),
    launch_file=LaunchFileState(present=True, flags=("--medvram",)),
    settings="good",
)
NEEDS = replace(NEED, repositories=(("BLIP", "b" * 40),), model_hashes={SIZE: "c" * 64})
NEEDS = replace(NEEDS, exclusive_flags=(("--lowvram", "--medvram"),))


def packages(**versions: str) -> dict[str, Any]:
    there = {**dict(LOCKED), **versions}
    return {"packages": tuple((name, version) for name, version in there.items() if version)}


def checkout(path: str, **change: Any) -> dict[str, Any]:
    return {"checkouts": tuple(replace(one, **change) if one.path == path else one for one in PARTS.checkouts)}


@pytest.mark.parametrize(
    ("id", "change", "wanted", "about"),
    [
        ("environment", packages(), "ok", ""),
        ("environment", packages(numpy="2.2.6"), "fail", "numpy 2.2.6 instead of 1.26.2"),
        ("environment", packages(numpy="1.26.4"), "warn", "numpy 1.26.4 instead of 1.26.2"),
        ("environment", packages(torch="2.1.2+cpu"), "fail", "torch 2.1.2+cpu instead of 2.1.2+cu121"),
        ("environment", packages(setuptools=""), "fail", "setuptools is missing"),
        ("environment", packages(pip="27.0"), "ok", ""),
        ("environment", packages(brought="1.0"), "ok", ""),
        ("environment", {"packages": (*LOCKED, ("numpy", "2.2.6"))}, "fail", "twice"),
        (
            "environment",
            {"damaged_packages": (DamagedPackage(name="torch", file="torch/lib/libtorch_cpu.so", how="size"),)},
            "fail",
            "libtorch_cpu.so in torch is damaged",
        ),
        ("environment", {"locked": None, **packages(numpy="2.2.6")}, "ok", ""),
        ("webui", checkout("", missing=("style.css",)), "fail", "style.css"),
        ("webui", checkout("", missing=("screenshot.png", "README.md", "webui-user.bat")), "ok", ""),
        ("webui", checkout("", missing=None), "ok", ""),
        ("webui", {"foreign": (".sdsetup",)}, "fail", ".sdsetup"),
        ("repositories", checkout("repositories/BLIP", missing=("models/blip.py",)), "fail", "models/blip.py"),
        ("repositories", checkout("repositories/BLIP", commit=None), "fail", "BLIP is incomplete"),
        ("repositories", {"checkouts": PARTS.checkouts[:1]}, "fail", "BLIP is missing"),
        ("repositories", checkout("repositories/BLIP", commit="d" * 40), "warn", "another version of: BLIP"),
        (
            "models",
            {"models": (ModelFile(name="m.safetensors", size=9, damage="cut-short", said="incomplete: 9 of 10"),)},
            "fail",
            "incomplete: 9 of 10",
        ),
        (
            "models",
            {"models": (ModelFile(name="m.safetensors", size=SIZE, sha256="d" * 64),)},
            "fail",
            "differs from the published one",
        ),
        ("launch-file", {"launch_file": LaunchFileState(present=False)}, "fail", "is missing"),
        (
            "launch-file",
            {"launch_file": LaunchFileState(present=True, flags=("--medvam",), unknown=("--medvam",))},
            "fail",
            "--medvam",
        ),
        (
            "launch-file",
            {"launch_file": LaunchFileState(present=True, no_environment=("VENV_DIR", "C:\\sd-webui\\other"))},
            "fail",
            "VENV_DIR leads to C:\\sd-webui\\other",
        ),
        (
            "environment",
            {
                "launch_file": LaunchFileState(present=True, environment=("VENV_DIR", "D:\\shared")),
                **packages(numpy="2.2.6"),
            },
            "fail",
            "numpy 2.2.6",
        ),
        ("launch-file", {"launch_file": LaunchFileState(present=True, problem="a quote")}, "warn", "a quote"),
        (
            "launch-file",
            {"launch_file": LaunchFileState(present=True, flags=("--lowvram", "--medvram"))},
            "warn",
            "only one of them takes effect: --lowvram, --medvram",
        ),
        ("settings", {"settings": "empty"}, "fail", "won't start"),
        ("settings", {"settings": "damaged"}, "fail", "won't start"),
        ("settings", {"settings": "absent"}, "ok", ""),
        ("last-run", {"distrusted": "No module named 'ldm'"}, "fail", "No module named 'ldm'"),
        (
            "last-run",
            {"unfinished": Unfinished(began="2026-11-25T10:00:00", words=("install",))},
            "warn",
            "interrupted",
        ),
        ("last-run", {"running": Running(pid=1, ports=(7861,))}, "ok", ""),
        ("last-run", {"begun_update": "2026-11-25T10:00:00+00:00"}, "warn", "present version is unchanged"),
    ],
)
def test_parts_of_an_installation(id: str, change: dict[str, Any], wanted: str, about: str) -> None:
    facts = replace(GOOD, installation=WHOLE, parts=replace(PARTS, **change))
    finding = next(finding for finding in diagnose(facts, NEEDS).findings if finding.id == id)
    assert finding.status == wanted
    assert about in str(finding.why or "")
    assert (finding.fix is None) == (wanted == "ok")


def test_a_text_encoder_that_is_gone_is_named_where_we_put_it() -> None:
    needs = replace(NEEDS, text_encoder=("openai/clip/vocab.json", "openai/clip/merges.txt"))
    ours = replace(GOOD, installation=WHOLE, parts=PARTS, recorded=InstallRecord(flags=("--medvram",)))

    def found(facts: Facts) -> Finding:
        return next(finding for finding in diagnose(facts, needs).findings if finding.id == "models")

    lacking = found(replace(ours, parts=replace(PARTS, text_encoder=("openai/clip/merges.txt",))))
    assert lacking.status == "warn"
    assert "openai/clip/vocab.json" in str(lacking.why)
    assert "merges" not in str(lacking.why)
    assert lacking.fix is not None
    assert "sdsetup install" in str(lacking.fix.command)
    whole = replace(PARTS, text_encoder=needs.text_encoder)
    assert found(replace(ours, parts=whole)).status == "ok"
    assert found(ours).status == "ok", "nobody looked"
    elsewhere = replace(ours, recorded=None, parts=replace(PARTS, text_encoder=()))
    assert found(elsewhere).status == "ok", "the hub's cache may have them"


def test_flags_that_were_chosen_and_are_gone() -> None:
    recorded = InstallRecord(flags=("--medvram", "--use-cpu all"))
    facts = replace(GOOD, installation=WHOLE, parts=PARTS, recorded=recorded)
    finding = find("launch-file", facts)
    assert finding.status == "fail"
    assert "--use-cpu all" in str(finding.why)
    harmless = replace(facts, recorded=InstallRecord(flags=("--medvram", "--xformers")))
    assert find("launch-file", harmless).status == "warn"
    own = replace(facts, recorded=InstallRecord())
    assert "your own flags: --medvram" in str(find("launch-file", own).summary)


def test_another_account_s_folder_becomes_yours_again() -> None:
    facts = replace(GOOD, installation=replace(WHOLE, foreign_owner=True))
    fix = find("webui", facts).fix
    assert fix is not None
    assert fix.command == 'icacls C:\\sd-webui /setowner "%USERNAME%" /T /C'
    folder = Folder(path="/home/anna/my web ui", writable=False)
    fix = find("webui", replace(facts, system=LINUX, folder=folder)).fix
    assert fix is not None
    assert fix.command == 'sudo chown -R "$USER" "/home/anna/my web ui"'


def test_an_installation_of_another_account_is_not_moved_elsewhere() -> None:
    closed = Folder(path="/home/anna/sd", state="webui", writable=False, write_error="Permission denied")
    facts = replace(GOOD, system=LINUX, folder=closed, installation=replace(WHOLE, foreign_owner=True))
    assert find("folder", facts).status == "ok"
    assert "chown" in str(getattr(find("webui", facts).fix, "command", ""))
    own = replace(facts, installation=WHOLE)
    assert find("folder", own).status == "fail", "a drive that takes no files"


def test_a_new_card_is_noticed() -> None:
    then = InstallRecord(
        card="NVIDIA GeForce GTX 1660", compute_capability=(7, 5), vram_bytes=6 * GIB, profile="current"
    )
    finding = find("card", replace(GOOD, recorded=then))
    assert finding.status == "warn"
    assert (
        str(finding.summary) == "graphics card changed: was NVIDIA GeForce GTX 1660, now NVIDIA GeForce RTX 3060"
    )
    assert status("card", GOOD) == "skip"


def test_a_card_that_was_never_recorded_has_not_changed() -> None:
    # Somebody else made the environment, and only the launch file is ours: `doctor` after `tune --apply` must not
    # tell that the card came later.
    launch_file_only = InstallRecord(made_here=False, torch="2.11.0", profile="current", flags=("--xformers",))
    assert status("card", replace(GOOD, recorded=launch_file_only)) == "skip"
    assert status("card", replace(GOOD, recorded=replace(launch_file_only, made_here=True))) == "warn"


def test_a_record_that_is_gone_is_named_where_sdsetup_made_the_environment() -> None:
    ours = replace(GOOD, installation=WHOLE, parts=PARTS)
    finding = find("card", ours)
    assert finding.status == "warn"
    assert "sdsetup undo" in str(finding.why)
    assert finding.fix is not None
    assert "sdsetup install" in str(finding.fix.command)
    assert find("card", replace(ours, parts=replace(PARTS, locked=None))).status == "skip", "somebody else's"
    assert find("card", replace(ours, recorded=InstallRecord())).status != "warn"
    same = InstallRecord(card="GeForce RTX 3060", compute_capability=(8, 6), vram_bytes=12 * GIB - 2**20)
    assert status("card", replace(GOOD, recorded=same)) == "ok"
    assert status("card", replace(GOOD, recorded=InstallRecord(card=None))) == "ok"
    gone = find("card", replace(GOOD, recorded=same, gpus=()))
    assert gone.status == "warn"
    assert "no usable card" in str(gone.summary)
    # The same model with another size of memory is another card.
    assert status("card", replace(GOOD, recorded=replace(same, vram_bytes=8 * GIB))) == "warn"


def test_libraries() -> None:
    assert status("libraries", replace(GOOD, system=replace(WINDOWS, vc_runtime=False))) == "fail"
    assert status("libraries", replace(GOOD, system=replace(WINDOWS, vc_runtime=None))) == "skip"
    finding = find("libraries", replace(GOOD, system=replace(LINUX, missing_libraries=("libGL.so.1",))))
    assert finding.status == "fail"
    assert finding.fix is not None
    assert "libgl1" in str(finding.fix.command)


def test_root_needs_no_sudo() -> None:
    # Images of containers run as root, and most have no sudo: a pasted command ends with "sudo: not found".
    system = replace(LINUX, root=True, missing_libraries=("libGL.so.1",))
    fix = find("libraries", replace(GOOD, system=system)).fix
    assert fix is not None
    assert fix.command == "apt install libgl1 libglib2.0-0"
    slow = find("libraries", replace(GOOD, system=replace(LINUX, root=True, tcmalloc=False)))
    assert "(optional: `apt install " in str(slow.summary)


def test_long_paths() -> None:
    long = replace(GOOD, folder=Folder(path="C:\\" + "a" * 70, writable=True))
    assert status("long-paths", long) == "warn"
    assert status("long-paths", replace(long, system=replace(WINDOWS, long_paths=True))) == "ok"
    assert status("long-paths", replace(GOOD, system=replace(WINDOWS, path_letters=9000))) == "warn"


@pytest.mark.parametrize(
    "subject",
    ["system", "gpus", "pythons", "git", "memory", "cpu", "disk", "folder", "port", "hosts", "installation"],
)
def test_what_nobody_could_find_out_is_unknown_with_its_reason(subject: str) -> None:
    report = diagnose(replace(GOOD, unknown={subject: "timed out after 5 s"}), NEED)
    said = [finding for finding in report.findings if "timed out after 5 s" in str(finding.summary)]
    assert said
    assert all(finding.status in ("skip", "warn") for finding in said)
    assert report.ok


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (8188 * 2**20, "8 GB"),
        (8192 * 2**20, "8 GB"),
        (12 * GIB - 1, "12 GB"),
        (512 * 2**20, "512 MB"),
        (1 * GIB, "1 GB"),
        (5 * GIB // 2, "2.5 GB"),
    ],
)
def test_memory_is_called_what_it_is_sold_as(size: int, said: str) -> None:
    assert memory(size) == said


MAYBE = st.none() | st.integers(0, 2**50)
NAMES = st.none() | st.text(max_size=12)
GPUS = st.builds(
    Gpu,
    vendor=st.sampled_from(["nvidia", "amd", "intel", "apple", "other"]),
    name=NAMES,
    vram_bytes=MAYBE,
    vram_used_bytes=MAYBE,
    compute_capability=st.none() | st.tuples(st.integers(0, 20), st.integers(0, 9)),
    driver_version=NAMES,
    cuda_version=NAMES,
    integrated=st.none() | st.booleans(),
    source=st.sampled_from(["nvml", "registry", "sysfs"]),
    index=st.none() | st.integers(0, 9),
)
ANY = st.builds(
    Facts,
    system=st.builds(
        System,
        family=st.sampled_from(["windows", "linux", "macos"]),
        name=NAMES,
        version=NAMES,
        build=st.none() | st.integers(0, 40000),
        bits=st.sampled_from([None, 32, 64]),
        libc=NAMES,
        groups=st.none() | st.just(()),
        wsl=st.booleans(),
        distribution=NAMES,
    ),
    gpus=st.lists(GPUS, max_size=3).map(tuple),
    memory=st.builds(
        Memory,
        total_bytes=MAYBE,
        available_bytes=MAYBE,
        pagefile_bytes=MAYBE,
        pagefile_managed=st.none() | st.booleans(),
    ),
    disk=st.builds(Disk, free_bytes=MAYBE, filesystem=NAMES, max_file_bytes=MAYBE),
    folder=st.none()
    | st.builds(
        Folder, path=st.text(min_size=1, max_size=30), writable=st.none() | st.booleans(), write_error=NAMES
    ),
    cpu=st.builds(
        Cpu, name=NAMES, physical=st.none() | st.integers(1, 99), logical=st.none() | st.integers(1, 99)
    ),
    recorded=st.none() | st.builds(InstallRecord, card=NAMES, vram_bytes=MAYBE),
)


@given(facts=ANY)
@settings(max_examples=60, deadline=None)
def test_no_facts_make_a_check_fail(facts: Facts) -> None:
    for finding in diagnose(facts, NEED).findings:
        assert str(finding.summary)
        if finding.status in ("warn", "fail"):
            assert finding.why
            assert finding.fix


def test_a_bad_profile_names_every_problem() -> None:
    raw = Profiles().raw("doctor")
    raw["python"]["wanted"] = "three"
    raw["driver"]["page"] = "http://example.org/"
    raw["memory"]["least_bytes"] = "8 GB"
    del raw["folder"]["letters"]
    raw["python"]["tolerated_on"] = ["amiga"]
    with pytest.raises(ProfileError) as caught:
        read_doctor(raw)
    assert len(caught.value.problems) == 5
