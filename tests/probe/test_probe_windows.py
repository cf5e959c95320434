"""Windows' facts one by one, staged: settings, interpreters, cards, folders, right and wrong."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any

import pytest

from machines import Program, RecordedMachine, load_scene, said, sample
from sdsetup.machine.answers import Kernel, MemoryStatus, Volume, Windows
from sdsetup.probe import default_folder, gather
from sdsetup.probe.gpus import registry
from sdsetup.probe.pythons import QUESTION, windows
from sdsetup.values.facts import Facts, Gpu

CLASS = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
FOLDER: Any = PureWindowsPath("C:\\sd-webui")
PYTHON = "C:\\Users\\anna\\AppData\\Local\\Programs\\Python\\Python310\\python.exe"


def machine(**changes: Any) -> RecordedMachine:
    base, _ = load_scene("windows11")
    return base.but(**changes)


def facts(subject: str, folder: Any = FOLDER, **changes: Any) -> Facts:
    return gather(machine(**changes), folder, subjects=[subject])


# The system


@pytest.mark.parametrize(
    ("native", "env", "arch", "real", "bits"),
    [
        (0x8664, {"PROCESSOR_ARCHITECTURE": "AMD64"}, "x86_64", "x86_64", 64),
        (0xAA64, {"PROCESSOR_ARCHITECTURE": "AMD64"}, "x86_64", "arm64", 64),
        (0xAA64, {"PROCESSOR_ARCHITECTURE": "ARM64"}, "arm64", "arm64", 64),
        (0x014C, {"PROCESSOR_ARCHITECTURE": "x86"}, "x86", "x86", 32),
        (0x8664, {"PROCESSOR_ARCHITECTURE": "x86"}, "x86", "x86_64", 64),
        (None, {"PROCESSOR_ARCHITECTURE": "x86", "PROCESSOR_ARCHITEW6432": "AMD64"}, "x86", "x86_64", 64),
        (None, {}, "x86_64", "x86_64", 64),
        (0x9999, {"PROCESSOR_ARCHITECTURE": "odd"}, "x86_64", "x86_64", 64),
    ],
)
def test_the_real_processor(native: int | None, env: dict[str, str], arch: str, real: str, bits: int) -> None:
    system = facts("system", windows_answer=Windows(native_machine=native), env=env).system
    assert (system.arch, system.native_arch, system.bits) == (arch, real, bits)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({}, False),
        ({"LongPathsEnabled": 1}, True),
        ({"LongPathsEnabled": 0}, False),
        ({"LongPathsEnabled": "1"}, None),
    ],
)
def test_long_paths(value: dict[str, Any], wanted: bool | None) -> None:
    key = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem"
    assert facts("system", registry={key: value}).system.long_paths is wanted
    assert facts("system", registry={}).system.long_paths is False


def test_the_c_runtime_counts_for_a_64_bit_process_only() -> None:
    assert facts("system").system.vc_runtime is True
    assert facts("system", missing_libraries=["msvcp140.dll"]).system.vc_runtime is False
    narrow = Kernel(system="Windows", machine="x86", bits=32)
    assert facts("system", missing_libraries=["msvcp140.dll"], kernel_answer=narrow).system.vc_runtime is None


def test_a_registry_that_answers_nonsense() -> None:
    key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    odd = {key: {"ProductName": 7, "CurrentBuildNumber": "twenty", "DisplayVersion": b"\x00", "EditionID": " "}}
    system = facts("system", registry=odd, windows_answer=Windows()).system
    assert (system.build, system.edition, system.name) == (None, None, None)


# Memory


def test_memory_and_page_file() -> None:
    memory = facts("memory").memory
    assert memory.total_bytes == 17008070656
    assert memory.pagefile_bytes == 19692425216 - 17008070656
    assert memory.pagefile_managed is True
    assert (
        facts(
            "memory", memory_answer=MemoryStatus(total=8, available=4, commit_limit=7, commit_available=1)
        ).memory.pagefile_bytes
        == 0
    )
    assert "memory" in facts("memory", memory_answer=None).unknown


# Interpreters


def key(company: str, tag: str, hive: str = "HKCU") -> str:
    return rf"{hive}\Software\Python\{company}\{tag}\InstallPath"


def test_registered_interpreters_in_every_view() -> None:
    staged = machine(
        registry={
            key("PythonCore", "3.10"): {"ExecutablePath": PYTHON},
            key("PythonCore", "3.11", "HKLM"): {"": "C:\\Python311\\"},
            key("ContinuumAnalytics", "Anaconda39-64"): {"": "C:\\conda"},
            key("PyLauncher", "3.0"): {"ExecutablePath": "C:\\Windows\\py.exe"},
            key("Broken", "1"): {"ExecutablePath": 7, "": None},
            r"HKCU\Software\Python\Empty": {},
        },
        registry_32={key("PythonCore", "3.8-32", "HKLM"): {"ExecutablePath": "C:\\Python38-32\\python.exe"}},
    )
    assert [(found.path, found.origin) for found in windows.registered(staged)] == [
        (PYTHON, "pep514"),
        ("C:\\conda\\python.exe", "conda"),
        ("C:\\Python311\\python.exe", "pep514"),
        ("C:\\Python38-32\\python.exe", "pep514"),
    ]


def answers(path: str, out: str, **more: Any) -> Program:
    return Program(run=f"{path} -I -S -c*", answer=said(out, **more))


@pytest.mark.parametrize(
    ("program", "version", "bits"),
    [
        (answers(PYTHON, "sdsetup 3 10 6 64 cpython 1 1\n"), (3, 10, 6), 64),
        (answers(PYTHON, "sdsetup 3 10 6 32 cpython 1 1\n"), (3, 10, 6), 32),
    ],
)
def test_an_interpreter_is_asked(program: Program, version: tuple[int, ...], bits: int) -> None:
    (python,) = facts("pythons", programs=[program]).pythons
    assert (python.path, python.version, python.bits, python.origin) == (PYTHON, version, bits, "pep514")


@pytest.mark.parametrize(
    "wrong",
    [
        answers(PYTHON, "", rc=1),
        answers(PYTHON, "Fatal Python error: init_fs_encoding", rc=1),
        answers(PYTHON, "\x00\x00", rc=0),
        answers(PYTHON, "", rc=None, problem="denied"),
    ],
)
def test_an_interpreter_that_does_not_answer_is_none(wrong: Program) -> None:
    pythons = facts("pythons", programs=[wrong]).pythons
    # Only the one we run on is left, which needs no asking.
    assert [python.origin for python in pythons] == ["running"]


def test_a_stale_entry_and_one_that_hangs() -> None:
    gone = facts("pythons", files={}, programs=[answers(PYTHON, "sdsetup 3 10 6 64 cpython 1 1\n")])
    assert [python.origin for python in gone.pythons] == ["running"]
    stuck = facts("pythons", programs=[Program(run=f"{PYTHON} -I*", answer=said(), seconds=99)])
    assert stuck.unknown == {f"pythons.{PYTHON}": "TimeoutError: did not answer within 5 s"}


STUB = "C:\\Users\\anna\\AppData\\Local\\Microsoft\\WindowsApps\\python.exe"


def test_the_store_s_stand_in_and_the_store_s_python() -> None:
    base = {"registry": {}, "files": {}, "aliases": [STUB], "paths": {"python": STUB}}
    told = answers(STUB, sample("store-alias-new-wording.txt"), rc=9009)
    stub, running = facts("pythons", programs=[told], **base).pythons
    assert (stub.store_stub, stub.origin, stub.version) == (True, "store", None)
    assert running.origin == "running"
    real = answers(STUB, "sdsetup 3 10 11 64 cpython 1 1\n")
    store, _ = facts("pythons", programs=[real], **base).pythons
    assert (store.store_stub, store.origin, store.version) == (False, "store", (3, 10, 11))


def test_the_embeddable_package_is_known_by_its_file() -> None:
    place = PYTHON.replace("python.exe", "python310._pth")
    (python,) = facts("pythons", files={PYTHON: "", place: ""}).pythons
    assert python.embeddable


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_launcher_s_list(line_end: str) -> None:
    listed = f" -3.10-64 * {PYTHON}\n -3.9-32    C:\\Python39\\python.exe\n".replace("\n", line_end)
    staged = machine(
        registry={}, paths={"py": "C:\\Windows\\py.exe"}, programs=[Program(run="py -0p", answer=said(listed))]
    )
    assert [found.path for found in windows.find(staged)] == [PYTHON, "C:\\Python39\\python.exe"]


def test_the_question_is_answered_by_a_real_interpreter() -> None:
    import subprocess
    import sys

    from sdsetup.probe.pythons import parse_answer

    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", QUESTION], capture_output=True, text=True, check=True
    )
    told = parse_answer(ended.stdout)
    assert told is not None
    assert told.version == sys.version_info[:3]
    assert told.bits == 64
    assert told.can_venv


# Cards


def card(number: str, device: str, **values: Any) -> dict[str, dict[str, Any]]:
    return {rf"{CLASS}\{number}": {"MatchingDeviceId": device, "ProviderName": "NVIDIA", **values}}


OLD = "PCI\\VEN_10DE&DEV_139B&SUBSYS_1"
NEW = "PCI\\VEN_10DE&DEV_2504"
TWO = {
    **card("0000", OLD, DriverDesc="NVIDIA GeForce GTX 960M", **{"HardwareInformation.qwMemorySize": 2**32}),
    **card("0001", NEW, DriverDesc="NVIDIA GeForce RTX 3060", DriverVersion="31.0.15.5152",
           **{"HardwareInformation.qwMemorySize": (12 * 2**30).to_bytes(8, "little")}),
    rf"{CLASS}\Properties": {},
    rf"{CLASS}\0002": {"MatchingDeviceId": "ROOT\\BasicDisplay", "DriverDesc": "Microsoft Basic"},
}  # fmt: skip


def listed(**changes: Any) -> list[str | None]:
    return [gpu.name for gpu in registry.ask(machine(registry=TWO, **changes))]


def test_keys_of_removed_cards_are_sorted_out() -> None:
    live = Windows(display_devices=(f"{NEW}&SUBSYS_397D1462&REV_A1\\4&2283F625&0&0019",))
    assert listed(windows_answer=live) == ["NVIDIA GeForce RTX 3060"]
    powershell = Program(
        run="powershell*Win32_VideoController*", answer=said(f'{{"PNPDeviceID":"{NEW}"}}'.replace("\\", "\\\\"))
    )
    assert listed(windows_answer=Windows(), programs=[powershell]) == ["NVIDIA GeForce RTX 3060"]
    # Nobody says what is there: better one too many than none.
    for program in (
        [],
        [Program(run="powershell*", answer=said("Access denied", rc=1))],
        [Program(run="powershell*", answer=said("[{"))],
    ):
        assert listed(windows_answer=Windows(), programs=program) == [
            "NVIDIA GeForce GTX 960M",
            "NVIDIA GeForce RTX 3060",
        ]


def test_two_equal_cards_are_two() -> None:
    twice = {
        **card("0000", NEW, DriverDesc="A"),
        **card("0001", NEW, DriverDesc="A"),
        **card("0002", NEW, DriverDesc="A"),
    }
    live = Windows(display_devices=(f"{NEW}\\1", f"{NEW}\\2"))
    assert len(registry.ask(machine(registry=twice, windows_answer=live))) == 2


def test_memory_of_cards_is_read_as_number_or_bytes() -> None:
    gpus: tuple[Gpu, ...] = registry.ask(machine(registry=TWO, windows_answer=Windows(display_devices=(OLD, NEW))))
    assert [gpu.vram_bytes for gpu in gpus] == [2**32, 12 * 2**30]
    assert [gpu.driver_version for gpu in gpus] == [None, "551.52"]


# Folders and volumes


@pytest.mark.parametrize(
    ("folder", "root"),
    [
        ("C:\\Users\\anna\\OneDrive\\Desktop\\sd", "C:\\Users\\anna\\OneDrive"),
        ("c:\\users\\ANNA\\onedrive\\sd", "C:\\Users\\anna\\OneDrive"),
        ("C:\\Users\\anna\\OneDriveOld\\sd", None),
        ("D:\\Work\\OneDrive - Contoso\\sd", "D:\\Work\\OneDrive - Contoso"),
        ("E:\\Cloud\\sd", "E:\\Cloud"),
        ("C:\\sd", None),
    ],
)
def test_synchronised_folders(folder: str, root: str | None) -> None:
    account = r"HKCU\Software\Microsoft\OneDrive\Accounts\Business1"
    found = facts(
        "folder",
        folder=PureWindowsPath(folder),
        env={"ONEDRIVE": "C:\\Users\\anna\\OneDrive"},
        registry={account: {"UserFolder": "E:\\Cloud"}},
        windows_answer=Windows(known_folders={"desktop": "D:\\Work\\OneDrive - Contoso\\Escritorio"}),
    ).folder
    assert found is not None
    assert found.cloud_root == root


def test_protected_folders() -> None:
    env = {
        "PROGRAMFILES": "C:\\Program Files",
        "PROGRAMFILES(X86)": "C:\\Program Files (x86)",
        "SYSTEMROOT": "C:\\Windows",
    }
    for path, root in (
        ("C:\\Program Files\\sd", "C:\\Program Files"),
        ("C:\\Program Files (x86)\\sd", "C:\\Program Files (x86)"),
        ("C:\\WINDOWS\\System32", "C:\\Windows"),
        ("C:\\Program Files2\\sd", None),
    ):
        found = facts("folder", folder=PureWindowsPath(path), env=env).folder
        assert found is not None
        assert found.protected_root == root


@pytest.mark.parametrize(
    ("volume", "limit"),
    [
        (Volume(free_bytes=1, filesystem="NTFS"), None),
        (Volume(free_bytes=1, filesystem="exFAT"), None),
        (Volume(free_bytes=1, filesystem="ReFS"), None),
        (Volume(free_bytes=1, filesystem="FAT32"), 4_294_967_295),
        (Volume(free_bytes=1, filesystem=None), None),
    ],
)
def test_the_largest_file(volume: Volume, limit: int | None) -> None:
    assert facts("disk", volumes={"C:\\": volume}).disk.max_file_bytes == limit


def test_the_drive_of_temporary_files_is_asked_where_it_is_another() -> None:
    assert facts("disk").temp is None
    on_d = facts("disk", folder=PureWindowsPath("D:\\sd"))
    assert on_d.temp is not None
    assert on_d.temp.free_bytes == 220_000_000_000
    assert on_d.disk.free_bytes == 640_000_000_000


def test_who_holds_the_port() -> None:
    from sdsetup.machine.answers import PortState

    told = facts(
        "port",
        ports={7860: PortState(free=False)},
        programs=[
            Program(run="netstat -ano*", answer=said("  TCP  127.0.0.1:7860  0.0.0.0:0  ABHÖREN  4711\r\n")),
            Program(run="tasklist*", answer=said('"python.exe","4711","Console","1","912.384 K"\r\n')),
        ],
    ).port
    assert told is not None
    assert told.holder == "python.exe (pid 4711)"
    kept = facts("port", ports={7860: PortState(free=False, reserved=True)}).port
    assert kept is not None
    assert (kept.reserved, kept.holder) == (True, None)
    silent = facts("port", ports={7860: PortState(free=False)}).port
    assert silent is not None
    assert silent.holder is None


def test_an_installation_at_a_usual_place_is_the_default() -> None:
    assert str(default_folder(machine(), need_bytes=10**10)).replace("/", "\\") == "C:\\sd-webui"
    there = {f"D:\\sd-webui\\{name}": "" for name in ("webui.py", "launch.py", "modules\\x.py")}
    assert PureWindowsPath(str(default_folder(machine(files=there)))) == PureWindowsPath("D:\\sd-webui")


def test_git_is_found_where_path_does_not_say() -> None:
    place = "C:\\Users\\anna\\AppData\\Local\\Programs\\Git\\cmd\\git.exe"
    version = Program(run="git --version", answer=said("git version 2.54.0.windows.1\r\n"))
    found = facts("git", paths={}, files={place: ""}, programs=[version]).git
    assert found is not None
    assert (found.path, found.version) == (place, (2, 54, 0))
    assert facts("git", paths={}, files={}, programs=[]).git is None
