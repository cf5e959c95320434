"""Gathering: side by side, each within its limit; a probe that hangs or crashes is an unknown."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from machines import Program, RecordedMachine, said, sample
from sdsetup.catalog.catalog import Catalog
from sdsetup.decide.tuning.card_lookup import identify
from sdsetup.machine.answers import NvmlAnswer, NvmlGpu, Volume
from sdsetup.machine.real import RealMachine
from sdsetup.probe import SUBJECTS, disk, gather, gathering, gpus
from sdsetup.probe import side_by_side as side_by_side_module
from sdsetup.probe.asked import Asked
from sdsetup.probe.side_by_side import Job, side_by_side
from sdsetup.values.facts import Facts, Gpu, Host, System

FOLDER: Any = PurePosixPath("/home/anna/stable-diffusion-webui")
PLAIN = RecordedMachine(
    folders=["/home/anna"],
    volumes={"/": Volume(free_bytes=10**11, total_bytes=10**12)},
    files={"/proc/meminfo": "MemTotal: 16303452 kB\n", "/proc/mounts": "/dev/sda1 / ext4 rw 0 0\n"},
)


def test_this_machine_answers_everything() -> None:
    facts = gather(RealMachine(), Path.home() / "webui")
    assert facts.unknown == {}
    assert set(facts.probe_seconds) == set(SUBJECTS)
    assert facts.system.name
    assert facts.memory.total_bytes
    assert facts.cpu.logical
    assert facts.disk.free_bytes
    assert facts.git is not None
    assert any(python.version == sys.version_info[:3] for python in facts.pythons)
    assert facts.folder is not None
    assert facts.folder.state == "absent"


def test_a_machine_without_anything_is_all_unknown_and_never_a_traceback() -> None:
    facts = gather(RecordedMachine(), FOLDER)
    assert facts.git is None
    assert facts.gpus == ()
    assert "memory" in facts.unknown
    assert "disk" in facts.unknown
    assert all(reason for reason in facts.unknown.values())


class Broken(RecordedMachine):
    """Every question ends in a crash of its own."""

    def read_text(self, path: Any, limit: int = 1_000_000) -> str | None:
        raise RuntimeError(f"cannot read {path}")

    def which(self, name: str) -> str | None:
        raise OSError("no PATH")

    def kernel(self) -> Any:
        raise ValueError("no kernel")

    def kind(self, path: Any) -> str:
        raise PermissionError("no")

    def nvml(self) -> Any:
        raise SystemError("library gone")

    def port(self, number: int) -> Any:
        raise OSError("no network")


@pytest.mark.parametrize("family", ["windows", "linux", "macos"])
def test_crashes_are_unknowns_with_their_reason(family: Any) -> None:
    facts = gather(Broken(family=family), FOLDER, hosts=[Host(url="https://example.org/", purpose="git")])
    assert {"system", "pythons", "git", "disk", "folder", "port", "installation"} <= set(facts.unknown)
    assert facts.unknown["port"] == "OSError: no network"
    assert facts.system == System(family=family)


def test_a_probe_that_hangs_is_given_up_and_the_others_are_kept() -> None:
    stuck = PLAIN.but(paths={"git": "/usr/bin/git"}, programs=[Program(run="git*", answer=said(), seconds=99)])
    facts = gather(stuck, FOLDER, subjects=["git", "memory"])
    assert facts.memory.total_bytes == 16303452 * 1024
    assert "did not end" in facts.unknown["git"]


def test_a_limit_holds_whatever_a_probe_does() -> None:
    begun = time.monotonic()
    answers = side_by_side(
        [
            Job(name="stuck", limit=0.3, ask=lambda: time.sleep(20)),
            Job(name="quick", limit=5, ask=lambda: 42),
            Job(name="crash", limit=5, ask=lambda: {}["x"]),
        ]
    )
    assert time.monotonic() - begun < 20, "what is stuck takes 20 s"
    assert answers["stuck"].problem == "timed out after 0.3 s"
    assert answers["quick"].value == 42
    assert answers["crash"].problem == "KeyError: 'x'"


def test_side_by_side_means_at_the_same_time() -> None:
    begun = time.monotonic()
    side_by_side([Job(name=str(n), limit=10, ask=lambda: time.sleep(0.4)) for n in range(10)])
    assert time.monotonic() - begun < 4, "one after the other they take 4 s"


def test_a_stuck_thread_does_not_hold_the_program_at_its_end(tmp_path: Path) -> None:
    code = (
        "import time; from sdsetup.probe.side_by_side import Job, side_by_side\n"
        "print(side_by_side([Job(name='a', limit=0.2, ask=lambda: time.sleep(60))])['a'].problem)"
    )
    src = Path(gathering.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, cwd=src)
    assert done.stdout == "timed out after 0.2 s\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script as the hanging program")
def test_a_hanging_program_and_its_children_are_ended(tmp_path: Path) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nsleep 300 &\nsleep 300\n")
    git.chmod(0o755)
    machine = RealMachine(env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    ended = machine.run(["git", "--version"], timeout=0.5)
    assert ended.problem == "timeout"
    # `no_stray_processes` looks for the two sleepers.


def test_only_the_subjects_asked_for_and_what_is_known_is_kept() -> None:
    before = Facts(
        system=System(family="linux", name="Kept"),
        gpus=(Gpu(vendor="nvidia", name="Kept"),),
        unknown={"memory": "timed out", "gpus.nvml": "odd", "git": "old"},
    )
    facts = gather(PLAIN, FOLDER, subjects=["memory", "gpus"], known=before)
    assert facts.system.name == "Kept"
    assert facts.gpus == ()
    assert facts.unknown == {"git": "old"}
    assert facts.memory.total_bytes


def test_nvml_comes_first_and_the_system_s_list_adds_the_others() -> None:
    card = NvmlGpu(index=0, name="NVIDIA GeForce RTX 3060", memory_total=12 * 2**30, compute_capability=(8, 6))
    machine = PLAIN.but(
        nvml_answer=NvmlAnswer(driver_version="580.95", cuda_version="13.0", gpus=(card,)),
        files={
            **PLAIN.files,
            **pci("0000:00:02.0", "0x030000", "0x8086", "0x4680"),
            **pci("0000:01:00.0", "0x030200", "0x10de", "0x2504"),
            **pci("0000:02:00.0", "0x020000", "0x10de", "0x1234"),
        },
    )
    facts = gather(machine, FOLDER, subjects=["gpus"])
    assert [(gpu.vendor, gpu.source) for gpu in facts.gpus] == [("nvidia", "nvml"), ("intel", "sysfs")]
    assert facts.gpus[0].cuda_version == "13.0"
    assert facts.gpus[1].integrated is True
    assert facts.driver_problem is None


def test_a_card_without_a_driver_is_known_by_the_system_s_list() -> None:
    machine = PLAIN.but(
        files={
            **PLAIN.files,
            **pci("0000:01:00.0", "0x030200", "0x10de", "0x1c8d"),
            "/usr/share/misc/pci.ids": "10de  NVIDIA Corporation\n\t1c8d  GP107M [GeForce GTX 1050 Mobile]\n",
        }
    )
    facts = gather(machine, FOLDER, subjects=["gpus"])
    (gpu,) = facts.gpus
    assert (gpu.vendor, gpu.name, gpu.source) == ("nvidia", "GeForce GTX 1050 Mobile", "sysfs")


def test_an_amd_card_on_linux() -> None:
    machine = PLAIN.but(
        files={
            **PLAIN.files,
            **pci("0000:0c:00.0", "0x030000", "0x1002", "0x73bf"),
            "/sys/bus/pci/devices/0000:0c:00.0/mem_info_vram_total": "17163091968\n",
            "/sys/bus/pci/devices/0000:0c:00.0/product_name": "AMD Radeon RX 6800 XT\n",
            "/sys/class/kfd/kfd/topology/nodes/1/properties": "gfx_target_version 100300\nlocation_id 3072\n",
        }
    )
    (gpu,) = gather(machine, FOLDER, subjects=["gpus"]).gpus
    assert (gpu.vendor, gpu.gfx, gpu.vram_bytes, gpu.integrated) == ("amd", "gfx1030", 17163091968, False)


@pytest.mark.parametrize("problem", ["mismatch", "not-running", "denied"])
def test_why_nvidia_does_not_answer(problem: str) -> None:
    machine = PLAIN.but(
        nvml_answer=NvmlAnswer(problem=problem),
        files={**PLAIN.files, **pci("0000:01:00.0", "0x030000", "0x10de", "0x2504")},
    )
    assert gather(machine, FOLDER, subjects=["gpus"]).driver_problem == problem


def test_a_library_that_hangs_leaves_the_program_to_answer() -> None:
    machine = PLAIN.but(
        nvml_seconds=8,
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[
            Program(
                run="nvidia-smi --query-gpu*",
                answer=said("0, NVIDIA GeForce GTX 1070, 535.1, 8192, 5, 6.1, GPU-1, 00000000:01:00.0, [N/A]\n"),
            ),
            Program(run="nvidia-smi", answer=said("| CUDA Version: 12.2 |")),
        ],
    )
    facts = gather(machine, FOLDER, subjects=["gpus"])
    (gpu,) = facts.gpus
    assert (gpu.source, gpu.compute_capability, gpu.cuda_version) == ("nvidia-smi", (6, 1), "12.2")


def pci(address: str, kind: str, vendor: str, device: str) -> dict[str, str]:
    root = f"/sys/bus/pci/devices/{address}"
    return {f"{root}/class": f"{kind}\n", f"{root}/vendor": f"{vendor}\n", f"{root}/device": f"{device}\n"}


def test_containers_hold_memory_down() -> None:
    machine = PLAIN.but(files={**PLAIN.files, "/sys/fs/cgroup/memory.max": "4294967296\n"})
    assert gather(machine, FOLDER, subjects=["memory"]).memory.total_bytes == 2**32


def test_hosts_are_knocked_at_through_the_proxy_and_git_s_rewriting() -> None:
    machine = PLAIN.but(
        env={"HTTPS_PROXY": "http://anna:secret@proxy:3128", "NO_PROXY": "example.org"},
        paths={"git": "/usr/bin/git"},
        folders=[*PLAIN.folders, "/srv/mirror"],
        programs=[Program(run="git ls-remote --get-url https://github.com/", answer=said("/srv/mirror/\n"))],
    )
    hosts = [
        Host(url="https://github.com/", purpose="git"),
        Host(url="https://example.org/", purpose="model"),
        Host(url="https://example.com/", purpose="torch"),
    ]
    facts = gather(machine, FOLDER, hosts=hosts, subjects=["hosts"])
    assert all(host.reachable for host in facts.hosts)
    asked = {entry[1:] for entry in machine.asked if entry[0] == "reach"}
    assert asked == {("https://example.org/", ""), ("https://example.com/", "http://anna:secret@proxy:3128")}
    assert facts.proxy is not None
    assert facts.proxy.url == "http://proxy:3128"
    assert facts.proxy.spares_loopback is False
    spared = machine.but(env={**machine.env, "NO_PROXY": "127.0.0.1,localhost"})
    proxy = gather(spared, FOLDER, subjects=["hosts"]).proxy
    assert proxy is not None
    assert proxy.spares_loopback


@pytest.mark.parametrize(
    ("rewritten", "reachable"),
    [
        ("/srv/mirror/", True),
        ("file:///srv/mirror/github", True),
        ("/gone/mirror", False),
        ("git@example.org:x", None),
        ("usage: git", True),
    ],
)
def test_a_mirror_of_git_s_own(rewritten: str, reachable: bool | None) -> None:
    machine = PLAIN.but(
        paths={"git": "/usr/bin/git"},
        folders=[*PLAIN.folders, "/srv/mirror"],
        programs=[Program(run="git ls-remote*", answer=said(f"{rewritten}\n"))],
    )
    (host,) = gather(
        machine, FOLDER, hosts=[Host(url="https://github.com/", purpose="git")], subjects=["hosts"]
    ).hosts
    assert host.reachable is reachable


def test_somebody_who_waits_is_told_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side_module, "SLOW", 0.2)
    told: list[tuple[str, ...]] = []
    side_by_side(
        [
            Job(name="quick", limit=5, ask=lambda: 1),
            Job(name="slow", limit=5, ask=lambda: time.sleep(0.6)),
            Job(name="slower", limit=0.9, ask=lambda: time.sleep(9)),
        ],
        slow=told.append,
    )
    assert told == [("slow", "slower")]


def test_a_card_whose_name_is_cut_everywhere_is_told_by_its_device_number() -> None:
    """Every query of nvidia-smi is refused, and there is no list of names: the bus says which device it is."""
    devices = {"0000:01:00.0": "0x1c03", "0000:02:00.0": "0x1f95"}
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[
            Program(run="nvidia-smi -*", answer=said("garbage", rc=1)),
            Program(run="nvidia-smi", answer=said(sample("smi-wsl-535.103-537.13-gtx1650-laptop.txt"))),
        ],
        files={
            f"/sys/bus/pci/devices/{place}/{name}": value
            for place, device in devices.items()
            for name, value in {"class": "0x030000", "vendor": "0x10de", "device": device}.items()
        },
    )
    (gpu,) = gpus.ask(Asked(machine=machine, folder=FOLDER))["gpus"]
    assert (gpu.name, gpu.pci_id) == ("NVIDIA GeForce GTX 1650 ...", "1f95")
    known = identify(Catalog().gpus, gpu)
    assert known.card is not None and known.card.name == "GeForce GTX 1650 Ti"


@pytest.mark.parametrize(
    ("kernel", "kind"), [("5.15.167.4-microsoft-standard-WSL2", "fixed"), ("6.8.0", "network")]
)
def test_a_windows_drive_in_wsl_is_no_network_drive(kernel: str, kind: str) -> None:
    mounts = "/dev/sdc / ext4 rw 0 0\nC:\\134 /mnt/c 9p rw,aname=drvfs;path=C:\\ 0 0\n"
    machine = RecordedMachine(
        files={"/proc/sys/kernel/osrelease": kernel, "/proc/mounts": mounts},
        volumes={"/": Volume(free_bytes=1), "/mnt/c": Volume(free_bytes=1)},
    )
    assert disk.look(machine, PurePosixPath("/mnt/c/sd")).drive == kind  # type: ignore[arg-type]
