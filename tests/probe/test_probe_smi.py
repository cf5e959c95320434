"""nvidia-smi in all its forms: queries, banners, failures, fields that are not there."""

from __future__ import annotations

import pytest

from machines import Program, RecordedMachine, said, sample
from sdsetup.probe.gpus import smi

MIB = 2**20
COLUMNS = (
    "index",
    "name",
    "driver_version",
    "memory.total",
    "memory.used",
    "memory.free",
    "compute_cap",
    "driver_model.current",
    "mig.mode.current",
    "pci.bus_id",
)


@pytest.mark.parametrize(
    ("name", "driver", "cuda", "card", "mib"),
    [
        ("smi-linux-470.57.02-name-cut", "470.57.02", "11.4", None, 7979),
        ("smi-linux-575.64.03-cuda-na", "575.64.03", None, "NVIDIA GeForce RTX 5070", 12227),
        ("smi-linux-580.95.05-rtx3060-12gb", "580.95.05", "13.0", "NVIDIA GeForce RTX 3060", 12288),
        ("smi-linux-590.48.01-h100-mig", "590.48.01", "13.1", "NVIDIA H100 80GB HBM3", 81559),
        ("smi-linux-595.80-l40s", "595.80", "13.2", "NVIDIA L40S", 46068),
        ("smi-linux-610.57.04-rtx2080s", "610.57.04", "13.3", "NVIDIA GeForce RTX 2080 ...", 8192),
        ("smi-win-442.50-cuda10.2-t4", "442.50", "10.2", "Tesla T4", 15205),
        ("smi-win-551.52-rtx3080ti", "551.52", "12.4", "NVIDIA GeForce RTX 3080 Ti", 12288),
        ("smi-win-591.86-rtx2080s", "591.86", "13.1", "NVIDIA GeForce RTX 2080 ...", 8192),
        ("smi-win-610.62-rtx2080s", "610.62", "13.3", "NVIDIA GeForce RTX 2080 ...", 8192),
        ("smi-wsl-535.103-537.13-gtx1650-laptop", "537.13", "12.2", "NVIDIA GeForce GTX 1650 ...", 4096),
        ("smi-wsl-570.124.06-572.70-rtx5090", "572.70", "12.8", "NVIDIA GeForce RTX 5090", 32607),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_banner(name: str, driver: str, cuda: str | None, card: str | None, mib: int, line_end: str) -> None:
    banner = smi.parse_banner(sample(f"{name}.txt").replace("\n", line_end))
    assert (banner.driver_version, banner.cuda_version) == (driver, cuda)
    (gpu,) = banner.gpus
    assert (gpu.name, gpu.vram_bytes, gpu.index) == (card, mib * MIB, 0)


def test_query_with_heading_and_units() -> None:
    (gpu,) = smi.parse_query(sample("smi-query-win-591.86-rtx2080s.csv"), COLUMNS)
    assert gpu.name == "NVIDIA GeForce RTX 2080 SUPER"
    assert gpu.vram_bytes == 8192 * MIB
    assert gpu.vram_used_bytes == 702 * MIB
    assert gpu.compute_capability == (7, 5)
    assert gpu.driver_version == "591.86"
    assert gpu.mig is False


@pytest.mark.parametrize(
    "nothing",
    [
        "[N/A]",
        "[Not Supported]",
        "[Unknown Error]",
        "ERR!",
        "[Requested functionality has been deprecated]",
        "",
        "N/A",
    ],
)
def test_any_field_may_be_nothing(nothing: str) -> None:
    for column in range(1, len(smi.FIELDS)):
        cells = ["0", "NVIDIA GB10", "580.1", "8192", "1", "12.1", "GPU-1", "00000000:01:00.0", "Disabled"]
        cells[column] = nothing
        (gpu,) = smi.parse_query(", ".join(cells))
        given = (
            gpu.name,
            gpu.driver_version,
            gpu.vram_bytes,
            gpu.vram_used_bytes,
            gpu.compute_capability,
            gpu.uuid,
            gpu.pci_bus_id,
        )
        if column <= len(given):
            assert given[column - 1] is None
        assert sum(value is None for value in given) == (1 if column <= len(given) else 0)


def test_a_refused_field_is_left_out_and_the_rest_asked_again() -> None:
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[
            Program(
                run="nvidia-smi --query-gpu=*compute_cap*",
                answer=said(sample("smi-query-compute-cap-unknown-470.txt"), rc=2),
            ),
            Program(
                run="nvidia-smi --query-gpu=*mig.mode*",
                answer=said('Field "mig.mode.current" is not a valid field to query.', rc=2),
            ),
            Program(
                run="nvidia-smi --query-gpu=*",
                answer=said("0, GeForce GTX 1070, 470.57.02, 8192, 15, GPU-1, 00000000:01:00.0\n"),
            ),
            Program(run="nvidia-smi", answer=said(sample("smi-linux-470.57.02-name-cut.txt"))),
        ],
    )
    (gpu,) = smi.ask(machine).gpus
    assert gpu.name == "GeForce GTX 1070"
    assert gpu.cuda_version == "11.4"
    assert gpu.compute_capability is None


def test_a_name_that_the_banner_cuts_is_taken_from_the_list() -> None:
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[
            Program(run="nvidia-smi --query-gpu=*", answer=said("garbage", rc=1)),
            Program(run="nvidia-smi -L", answer=said(sample("smi-L-win-610.62-rtx2080s.txt"))),
            Program(run="nvidia-smi", answer=said(sample("smi-win-610.62-rtx2080s.txt"))),
        ],
    )
    (gpu,) = smi.ask(machine).gpus
    assert (gpu.name, gpu.source, gpu.driver_version) == ("NVIDIA GeForce RTX 2080 SUPER", "banner", "610.62")


WDDM_TABLE = """\
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 460.89       Driver Version: 460.89       CUDA Version: 11.2     |
|-------------------------------+----------------------+----------------------+
| GPU  Name            TCC/WDDM | Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
|                               |                      |               MIG M. |
|===============================+======================+======================|
|   0  GeForce RTX 3050... WDDM  | 00000000:01:00.0  On |                  N/A |
|  0%   45C    P8    12W / 130W |    610MiB /  8192MiB |      3%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+
|   1  Tesla P40            TCC | 00000000:02:00.0 Off |                    0 |
| N/A   31C    P8     9W / 250W |      9MiB / 23040MiB |      0%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+
"""


def test_a_banner_whose_names_touch_the_driver_model() -> None:
    """Driver 460 under Windows: the cut name leaves one blank before WDDM, and the query may be refused."""
    first, second = smi.parse_banner(WDDM_TABLE).gpus
    assert (first.name, first.vram_bytes) == ("GeForce RTX 3050...", 8192 * MIB)
    assert (second.name, second.vram_bytes) == ("Tesla P40", 23040 * MIB)


@pytest.mark.parametrize("rc", [14, 15, 255])
def test_good_rows_count_whatever_the_program_ends_with(rc: int) -> None:
    """14 says that the card's infoROM is damaged, 15 that another card is lost."""
    row = "0, NVIDIA GeForce RTX 5060 Ti, 595.71.05, 16311, 10, 12.0, GPU-1, 00000000:01:00.0, [N/A]\n"
    text = "WARNING: infoROM is corrupted at gpu 0000:01:00.0\n" + row
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[Program(run="nvidia-smi --query-gpu=*", answer=said(text, rc=rc))],
    )
    (gpu,) = smi.ask(machine).gpus
    assert (gpu.name, gpu.compute_capability) == ("NVIDIA GeForce RTX 5060 Ti", (12, 0))


def test_a_slice_goes_by_its_own_id() -> None:
    row = "0, NVIDIA H100 80GB HBM3, 590.48.01, 81559, 10, 9.0, GPU-0, 00000000:01:00.0, Enabled\n"
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[
            Program(run="nvidia-smi --query-gpu=*", answer=said(row)),
            Program(run="nvidia-smi -L", answer=said(sample("smi-L-linux-590.48.01-h100-mig.txt"))),
            Program(run="nvidia-smi", answer=said(sample("smi-linux-590.48.01-h100-mig.txt"))),
        ],
    )
    (gpu,) = smi.ask(machine).gpus
    assert gpu.mig
    assert gpu.uuid == "MIG-00000000-0000-0000-0000-000000000000"
    assert gpu.vram_bytes == 40448 * MIB


def test_a_divided_card_has_the_memory_of_its_first_instance() -> None:
    text = sample("smi-linux-590.48.01-h100-mig.txt")
    assert smi.parse_slices(text) == {0: 40448 * MIB}
    assert smi.parse_slices(sample("smi-linux-mig-old-table.txt")) == {1: 19968 * MIB}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (sample("smi-fail-linux.txt"), "not-running"),
        (sample("smi-fail-windows.txt"), "not-running"),
        ("Failed to initialize NVML: Driver/library version mismatch\n", "mismatch"),
        ("Failed to initialize NVML: Insufficient Permissions\n", "denied"),
        ("No devices were found\n", "no-devices"),
        ("Failed to initialize NVML: GPU access blocked by the operating system\n", "blocked"),
        ("Unable to determine the device handle for GPU0000:07:00.0: Unknown Error\n", "lost"),
        ("Unable to determine the device handle for gpu 0000:01:00.0: GPU is lost.  Reboot the system\n", "lost"),
        ("", "failed"),
        ("Segmentation fault", "failed"),
    ],
)
def test_failures_are_named(text: str, problem: str) -> None:
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        programs=[Program(run="nvidia-smi*", answer=said(text, rc=9))],
    )
    asked = smi.ask(machine)
    assert (asked.gpus, asked.problem) == ((), problem)


def test_a_program_that_hangs_is_asked_once() -> None:
    machine = RecordedMachine(
        paths={"nvidia-smi": "/usr/bin/nvidia-smi"},
        files={"/usr/lib/wsl/lib/nvidia-smi": ""},
        programs=[Program(run="nvidia-smi*", answer=said(), seconds=60)],
    )
    assert smi.ask(machine) == smi.Asked(problem="timeout")
    assert len(machine.asked) == 1


def test_no_program_is_no_problem() -> None:
    assert smi.ask(RecordedMachine()) == smi.Asked()


def test_every_place_of_ten_years_of_windows_drivers() -> None:
    old = r"C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe"
    store = r"C:\Windows\System32\DriverStore\FileRepository"
    machine = RecordedMachine(
        family="windows",
        env={"SYSTEMROOT": r"C:\Windows", "PROGRAMW6432": r"C:\Program Files"},
        files={
            old: "",
            r"C:\Windows\System32\nvidia-smi.exe": "",
            rf"{store}\nv_dispi.inf_amd64_1\nvidia-smi.exe": "",
            rf"{store}\nvlt.inf_amd64_2\nvidia-smi.exe": "",
            rf"{store}\hidclass.inf\nvidia-smi.exe": "",
        },
    )
    found = [place.replace("/", "\\") for place in smi.places(machine)]
    assert found == [
        r"C:\Windows\System32\nvidia-smi.exe",
        old,
        rf"{store}\nvlt.inf_amd64_2\nvidia-smi.exe",
        rf"{store}\nv_dispi.inf_amd64_1\nvidia-smi.exe",
    ]
    # A 32-bit process sees the real System32 by its other name.
    redirected = machine.but(files={r"C:\Windows\Sysnative\nvidia-smi.exe": ""})
    assert smi.places(redirected) == [r"C:\Windows\Sysnative\nvidia-smi.exe"]
