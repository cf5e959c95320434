# ruff: noqa: E501 - recorded lines are as long as they are
"""Every parser of the room, fed with what nobody foresaw: it answers, or says nothing, and never raises."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sdsetup.probe
from machines import SAMPLES, RecordedMachine
from sdsetup.catalog.catalog import Catalog
from sdsetup.decide.tuning.card_lookup import identify, with_names
from sdsetup.machine.real import decode
from sdsetup.probe import cpu, disk, environment, git, memory, port, repository
from sdsetup.probe.gpus import macos as macos_gpus
from sdsetup.probe.gpus import registry, smi, sysfs
from sdsetup.probe.pythons import parse_answer, windows
from sdsetup.probe.system import linux, macos
from sdsetup.probe.system import windows as windows_system

# What parsers want besides the text.
MORE: dict[str, tuple[Any, ...]] = {
    "parse_netstat": (7860,),
    "parse_tasklist": (4711,),
    "parse_packed_refs": ("refs/heads/master",),
    "parse_pci_ids": (0x10DE, 0x2504),
    "parse_fights": ({},),
}
NOT_TEXT = {"parse_paging_files"}


def parsers() -> list[tuple[str, Callable[..., Any]]]:
    found = []
    for module in pkgutil.walk_packages(sdsetup.probe.__path__, "sdsetup.probe."):
        loaded = importlib.import_module(module.name)
        found += [
            (f"{module.name}.{name}", function)
            for name, function in inspect.getmembers(loaded, inspect.isfunction)
            if name.startswith("parse_") and function.__module__ == loaded.__name__ and name not in NOT_TEXT
        ]
    return found


PARSERS = parsers()


def feed(name: str, parser: Callable[..., Any], text: str) -> None:
    short = name.rpartition(".")[2]
    try:
        parser(text, *MORE.get(short, ()))
    except ValueError:
        # The one that may refuse: without even a total there is nothing to answer.
        assert short == "parse_meminfo"


def test_all_parsers_are_here() -> None:
    assert len(PARSERS) >= 30, [name for name, _ in PARSERS]


@given(data=st.binary(max_size=600))
@example(data=b"\xff\xfeM\x00S\x00I\x00")
@example(data=b"\xef\xbb\xbf[{}]")
@example(data=b"\x00" * 40)
@settings(max_examples=120, deadline=None)
def test_random_bytes(data: bytes) -> None:
    text = decode(data)
    for name, parser in PARSERS:
        feed(name, parser, text)


TOKENS = st.sampled_from(
    [
        "GPU",
        "|",
        ":",
        "MiB",
        " / ",
        "Version: ",
        "CUDA ",
        "KMD ",
        "0x",
        "0, ",
        "-V:3.10 * ",
        "C:\\",
        "git version ",
        "9" * 30,
        "\n",
        "\r\n",
        "\t",
        " ",
        "{",
        "}",
        '"',
        "[N/A]",
        "users:((",
        "pid=",
        "MemTotal: ",
        " kB",
        "٣",
        "²",
        "\x00",
        "-3.10-64",
        "sdsetup ",
        "3 10 6 ",
        "64 ",
        "cpython ",
        "1 ",
        "ref: ",
        "url = ",
        '[remote "origin"]',
        "PRETTY_NAME=",
        "'",
        "ms.",
        "(libc6",
    ]
)


@given(parts=st.lists(st.one_of(TOKENS, st.text(max_size=8)), max_size=60))
@settings(max_examples=150, deadline=None)
def test_text_that_almost_means_something(parts: list[str]) -> None:
    for name, parser in PARSERS:
        feed(name, parser, "".join(parts))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_recorded_outputs_cut_short_and_mangled(path: Any) -> None:
    whole = path.read_bytes()
    pieces = [whole[: len(whole) * n // 12] for n in range(12)]
    pieces += [whole.replace(b"\n", b"\r\n"), whole.replace(b"\n", b"\r\r\n"), whole[::-1], whole.upper()]
    pieces += [whole.decode().encode("utf-16"), whole.replace(b" ", b"\xa0"), whole.replace(b"e", b"\x82")]
    for piece in pieces:
        for name, parser in PARSERS:
            feed(name, parser, decode(piece))


def test_long_nonsense_is_quick() -> None:
    """No pattern may take more than linear time: a hostile or broken program must not hold the doctor."""
    begun = time.process_time()
    for piece in (
        " ",
        "|",
        "0 ",
        "a: ",
        "(",
        "-V:",
        "GPU 0: ",
        "\\",
        '"',
        "GPU \n",
        "| 0  x ",
        "users:((",
        " total = 1",
    ):
        for name, parser in PARSERS:
            feed(name, parser, piece * 4000)
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (git.parse_version("git version 2.47.1.windows.1\ncpu: x86_64\n"), (2, 47, 1)),
        (git.parse_version("git version 2.39.5 (Apple Git-154)"), (2, 39, 5)),
        (git.parse_version("xcode-select: note: no developer tools were found"), None),
        (registry.nvidia_driver("31.0.15.5152"), "551.52"),
        (registry.nvidia_driver("31.0.15.2833"), "528.33"),
        (registry.nvidia_driver("30.0.14.7212"), "472.12"),
        (registry.nvidia_driver("32.0.15.6636"), "566.36"),
        (registry.nvidia_driver("32.0.16.1062"), "610.62"),
        (registry.nvidia_driver("10.18.13.900"), "309.00"),
        (registry.nvidia_driver("20.19"), None),
        (registry.memory_size(bytes.fromhex("0000000003000000")), 12 * 2**30),
        (registry.memory_size(12 * 2**30), 12 * 2**30),
        (registry.memory_size(0), None),
        (registry.memory_size("12 GB"), None),
        (registry.parse_cim('{"Name":"X","PNPDeviceID":"PCI\\\\VEN_10DE&DEV_2504"}'), ("PCI\\VEN_10DE&DEV_2504",)),
        (registry.parse_cim('\ufeff[{"PNPDeviceID":"A"},{"PNPDeviceID":null},3]'), ("A",)),
        (registry.parse_cim("Get-CimInstance : Zugriff verweigert"), None),
        (port.parse_netstat("  TCP    127.0.0.1:7860   0.0.0.0:0   ABHÖREN   4711\r\n", 7860), 4711),
        (port.parse_netstat("  TCP    127.0.0.1:17860   0.0.0.0:0   LISTENING   4711\n", 7860), None),
        (port.parse_netstat("  TCP    127.0.0.1:7860   1.2.3.4:443   ESTABLISHED   4711\n", 7860), None),
        (port.parse_tasklist('"python.exe","4711","Console","1","912,384 K"', 4711), "python.exe"),
        (port.parse_tasklist("INFO: No tasks are running", 4711), None),
        (port.parse_ss('LISTEN 0 128 127.0.0.1:7860 0.0.0.0:* users:(("python3",pid=4711,fd=7))'), "python3 (pid 4711)"),
        (port.parse_lsof("p4711\ncPython\n"), "Python (pid 4711)"),
        (memory.parse_paging_files(["?:\\pagefile.sys"]), True),
        (memory.parse_paging_files(["C:\\pagefile.sys 0 0"]), True),
        (memory.parse_paging_files(["C:\\pagefile.sys 4096 8192"]), False),
        (memory.parse_paging_files("?:\\pagefile.sys"), True),
        (memory.parse_paging_files([]), False),
        (memory.parse_paging_files(None), None),
        (memory.parse_paging_files(b"\x00"), None),
        (linux.parse_os_release('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n# c\nBAD LINE\nX="unclosed\n'),
         {"ID": "debian", "PRETTY_NAME": "Debian GNU/Linux 12", "X": "unclosed"}),
        (linux.parse_ldconfig("\tlibGL.so.1 (libc6,x86-64) => /lib/libGL.so.1\n\tlibGL.so.1 (libc6) => /lib32/x\n"), frozenset({"libGL.so.1"})),
        (macos.parse_sw_vers("ProductName:\tmacOS\nProductVersion:\t15.1\nBuildVersion:\t24B83\n"), "15.1"),
        (macos.parse_sysctl("hw.optional.arm64: 1\nsysctl.proc_translated: 0\n"), {"hw.optional.arm64": 1, "sysctl.proc_translated": 0}),
        (disk.parse_mounts("/dev/sda1 /mnt/a\\040b ext4 rw 0 0\n"), (("/mnt/a b", "ext4"),)),
        (disk.parse_mount_program("/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled)\n"), (("/System/Volumes/Data", "apfs"),)),
        (environment.version_of(environment.parse_pyvenv("home = /x\nVersion=3.10.6\n")), (3, 10, 6)),
        (environment.version_of({"version_info": "3.11.2.final.0"}), (3, 11, 2)),
        (sysfs.parse_address("0000:0c:00.0"), (0, 0x0C00)),
        (sysfs.parse_topology("gfx_target_version 100300\nlocation_id 3072\ndomain 0\n"), ((0, 3072), "gfx1030")),
        (sysfs.parse_topology("gfx_target_version 90010\nlocation_id 768\ndomain 0\n"), ((0, 768), "gfx90a")),
        (sysfs.parse_topology("gfx_target_version 0\nlocation_id 0\n"), None),
        (repository.parse_remote('[remote "up"]\n\turl = https://u:p@example.org/x.git\n'), "https://example.org/x.git"),
    ],
)  # fmt: skip
def test_answers(found: object, wanted: object) -> None:
    assert found == wanted


def test_pci_names() -> None:
    text = "10de  NVIDIA Corporation\n\t2504  GA106 [GeForce RTX 3060 Lite Hash Rate]\n\t1c8d  GP107M\n10df  Other\n\t2504  no\n"
    assert sysfs.parse_pci_ids(text, 0x10DE, 0x2504) == "GeForce RTX 3060 Lite Hash Rate"
    assert sysfs.parse_pci_ids(text, 0x10DE, 0x1C8D) == "GP107M"
    assert sysfs.parse_pci_ids(text, 0x1002, 0x2504) is None


def test_launcher_lists() -> None:
    old = " -3.10-64 *     C:\\Python310\\python.exe\r\n -3.8-32        C:\\Old Python\\python.exe\r\n"
    assert windows.parse_py_list(old) == ("C:\\Python310\\python.exe", "C:\\Old Python\\python.exe")
    new = (SAMPLES / "py-0p-3.11-launcher-two.txt").read_text()
    assert [path.split("\\")[-2] for path in windows.parse_py_list(new)] == ["Python313", "Python310"]
    assert windows.parse_py_list((SAMPLES / "py-0-display-name.txt").read_text()) == ()
    assert windows.parse_py_list((SAMPLES / "py-0-3.8-32bit-default.txt").read_text()) == ()
    assert windows.parse_py_list("  *               C:\\venv\\Scripts\\python.exe\n") == (
        "C:\\venv\\Scripts\\python.exe",
    )


def test_an_interpreter_s_answer() -> None:
    said = parse_answer("Welcome!\nsdsetup 3 10 11 64 cpython 1 1\n")
    assert said is not None
    assert (said.version, said.bits, said.implementation, said.can_venv) == ((3, 10, 11), 64, "CPython", True)
    free = parse_answer("sdsetup 3 13 1 64 cpython 1 0")
    assert free is not None
    assert free.implementation == "CPython free-threaded"
    assert parse_answer("Python was not found; run without arguments to install") is None


def test_memory_of_linux() -> None:
    text = "MemTotal:       16303452 kB\nMemAvailable:    9000000 kB\nSwapTotal:       2097148 kB\n"
    told = memory.parse_meminfo(text)
    assert told.total_bytes == 16303452 * 1024
    assert told.commit_limit_bytes == (16303452 + 2097148) * 1024
    assert memory.parse_meminfo(text, "8589934592\n").total_bytes == 8 * 2**30
    assert memory.parse_meminfo(text, "max\n").total_bytes == 16303452 * 1024
    with pytest.raises(ValueError, match="MemTotal"):
        memory.parse_meminfo("")


def test_processor_of_linux() -> None:
    two = "".join(
        f"processor\t: {n}\nmodel name\t: Intel(R) Core(TM) i5-8400 CPU @ 2.80GHz\nphysical id\t: 0\ncore id\t: {n % 6}\n\n"
        for n in range(12)
    )
    told = cpu.parse_cpuinfo(two)
    assert (told.name, told.physical, told.logical) == ("Intel Core i5-8400", 6, 12)
    assert cpu.parse_cpuinfo("processor : 0\nBogoMIPS : 50\n").physical is None


def test_windows_names() -> None:
    def name(version: tuple[int, int, int] | None, **values: str) -> str | None:
        return windows_system.name_of(version, version[2] if version else None, server=False, values=values)

    ten = {"ProductName": "Windows 10 Pro", "DisplayVersion": "23H2"}
    assert name((10, 0, 22631), **ten) == "Windows 11 23H2"
    assert name((10, 0, 19045), ProductName="Windows 10 Pro", DisplayVersion="22H2") == "Windows 10 22H2"
    assert name((6, 1, 7601), ProductName="Windows 7 Professional") == "Windows 7"
    assert name(None, ProductName="Windows 10 Pro") == "Windows 10 Pro"
    assert (
        windows_system.name_of((10, 0, 20348), 20348, server=True, values={"ProductName": "Windows Server 2022"})
        == "Windows Server 2022"
    )


def test_graphics_of_macs() -> None:
    m1 = '{"SPDisplaysDataType":[{"_name":"Apple M1","sppci_model":"Apple M1","spdisplays_vendor":"sppci_vendor_Apple"}]}'
    (gpu,) = macos_gpus.parse_profiler(m1)
    assert (gpu.vendor, gpu.name, gpu.vram_bytes) == ("apple", "Apple M1", None)
    intel = (
        '{"SPDisplaysDataType":[{"sppci_model":"Radeon Pro 5300M","spdisplays_vendor":"sppci_vendor_amd","spdisplays_vram":"4 GB"},'
        '{"sppci_model":"Intel UHD Graphics 630","spdisplays_vendor":"Intel","spdisplays_vram":"1536 MB"}]}'
    )
    amd, own = macos_gpus.parse_profiler(intel)
    assert (amd.vendor, amd.vram_bytes) == ("amd", 4 * 2**30)
    assert (own.vendor, own.integrated) == ("intel", True)
    assert macos_gpus.parse_profiler("garbage") == ()


@pytest.mark.parametrize(
    ("vendor", "name", "vram", "integrated"),
    [
        ("intel", "Intel(R) UHD Graphics 770", None, True),
        ("intel", "Intel(R) Arc(TM) A770 Graphics", 16 * 2**30, False),
        ("intel", "Intel(R) Arc(TM) Graphics", None, True),
        ("amd", "AMD Radeon(TM) Graphics", 512 * 2**20, True),
        ("amd", "AMD Radeon RX 6700 XT", 12 * 2**30, False),
        ("amd", "AMD Radeon(TM) Vega 8 Graphics", 2**31, True),
        ("amd", "AMD Radeon 780M Graphics", 2**32, True),
        ("amd", "Radeon RX Vega 64", 8 * 2**30, False),
        ("amd", "AMD Radeon PRO W6600", 8 * 2**30, False),
        ("nvidia", "NVIDIA GeForce MX150", 2**31, False),
        ("amd", None, None, None),
        ("amd", "Navi 50", None, None),
    ],
)
def test_part_of_the_processor(vendor: Any, name: str | None, vram: int | None, integrated: bool | None) -> None:
    assert registry.is_integrated(vendor, name, vram) is integrated


def test_smi_lists() -> None:
    text = (SAMPLES / "smi-L-linux-590.48.01-h100-mig.txt").read_text()
    assert smi.parse_list(text) == {0: "NVIDIA H100 80GB HBM3"}


def test_a_card_without_a_driver_is_told_by_its_device_number() -> None:
    """No driver, no list of names on this system: the number is enough."""
    place = "/sys/bus/pci/devices/0000:01:00.0"
    files = {f"{place}/class": "0x030000\n", f"{place}/vendor": "0x10de\n", f"{place}/device": "0x2786\n"}
    (found,) = sysfs.ask(RecordedMachine(files=files))
    assert (found.name, found.pci_id) == (None, "2786")
    (named,) = with_names(Catalog().gpus, (found,))
    assert named.name == "GeForce RTX 4070"
    entry = {
        "MatchingDeviceId": r"pci\ven_1002&dev_7550&subsys_1",
        "ProviderName": "Microsoft",
        "DriverDesc": "Microsoft Basic Display Adapter",
        "DriverVersion": "10.0.19041.3636",
    }
    windows = registry.of_entry(entry)
    assert (windows.name, windows.driver_version) == (None, None)
    assert identify(Catalog().gpus, windows).architecture is not None
    assert identify(Catalog().gpus, windows).gfx == "gfx1201"
