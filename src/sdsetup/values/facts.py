"""What was found out about a machine. A question without an answer is `None`, never `"?"` or a guess.

Sizes are bytes; GiB is 2**30 bytes. Versions of drivers and CUDA are strings as their owner prints
them ("551.52", "12.4"); compute capability is (major, minor).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdsetup.values.contents import Parts
from sdsetup.values.install_record import InstallRecord

GIB = 2**30

Family = Literal["windows", "linux", "macos"]
Vendor = Literal["nvidia", "amd", "intel", "apple", "other"]


@dataclass(frozen=True, kw_only=True)
class System:
    """The operating system. `name` and `version` are for users; decisions use `family`, `build`, `wsl`."""

    family: Family
    name: str | None = None  # "Windows 11", "Debian GNU/Linux 12", "macOS 15.1"
    version: str | None = None  # "10.0.22631", "12", "15.1"
    build: int | None = None  # Windows build number
    edition: str | None = None  # Windows: "Professional", "EnterpriseS", "ServerStandard"
    bits: int | None = None  # of this Python process's operating system view: 32 or 64
    arch: str | None = None  # what this process sees: "x86_64", "arm64"
    native_arch: str | None = None  # the real processor: x64 Python on ARM sees "x86_64" but runs on "arm64"
    wsl: bool = False
    libc: str | None = None  # "glibc 2.36"
    rosetta: bool | None = None
    admin: bool | None = None
    long_paths: bool | None = None  # Windows LongPathsEnabled
    ansi_code_page: int | None = None
    oem_code_page: int | None = None
    console_code_page: int | None = None
    controlled_folders: bool | None = None  # Windows Controlled Folder Access
    vc_runtime: bool | None = None  # msvcp140 loads
    missing_libraries: tuple[str, ...] = ()  # Linux shared libraries the web UI needs and that are absent
    tcmalloc: bool | None = None
    groups: tuple[str, ...] | None = None  # Linux: the user's groups (AMD cards need render and video)
    nouveau: bool | None = None
    distribution: str | None = None  # Linux: ID of os-release, "debian", "ubuntu", "fedora", "arch"
    like: tuple[str, ...] = ()  # Linux: ID_LIKE
    user_is_ascii: bool | None = None  # the home folder's path
    path_letters: int | None = None  # length of PATH
    root: bool | None = None  # Linux, macOS: the superuser, whom webui.sh refuses


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One graphics processor. A card with two of them (Tesla K80) is two entries: memory is never added."""

    vendor: Vendor
    name: str | None
    vram_bytes: int | None = None
    compute_capability: tuple[int, int] | None = None
    gfx: str | None = None  # AMD: "gfx1030"
    driver_version: str | None = None
    cuda_version: str | None = None  # the highest CUDA level the driver supports
    source: str = "unknown"  # nvml, nvidia-smi, banner, registry, sysfs, system-profiler, what-if, report
    index: int | None = None  # NVIDIA's own index (PCI bus order)
    uuid: str | None = None
    pci_bus_id: str | None = None
    pci_id: str | None = None  # the maker's number of the device, "2786"
    integrated: bool | None = None
    mig: bool = False
    vram_used_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Python:
    """An interpreter that could build the web UI's environment, or must not."""

    path: str
    version: tuple[int, int, int] | None = None
    bits: int | None = None
    arch: str | None = None
    implementation: str | None = None  # "CPython"
    origin: str = "path"  # pep514, py, path, pyenv, uv, conda, store, running
    store_stub: bool = False
    embeddable: bool = False
    can_venv: bool | None = None  # venv and ensurepip import


@dataclass(frozen=True, kw_only=True)
class Git:
    """The Git that programs find first."""

    path: str
    version: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """`commit_limit_bytes` is Windows' memory plus page files; `pagefile_bytes` is page file or swap."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    pagefile_bytes: int | None = None
    commit_limit_bytes: int | None = None
    pagefile_managed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """Physical and logical cores."""

    name: str | None = None
    physical: int | None = None
    logical: int | None = None


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The volume that holds the target folder (asked at its nearest existing parent)."""

    free_bytes: int | None = None
    total_bytes: int | None = None
    filesystem: str | None = None  # "ext4", "NTFS", "FAT32"
    max_file_bytes: int | None = None  # None: no limit that matters, or unknown
    drive: Literal["fixed", "removable", "network", "other"] | None = None


# "models": nothing but a folder of models, which an installation is made around
FolderState = Literal["absent", "empty", "file", "webui", "git", "models", "foreign", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The target folder as it is. `cloud_root`: the synchronised folder (OneDrive) it lies in, if any."""

    path: str
    state: FolderState = "absent"
    writable: bool | None = None
    write_error: str | None = None
    cloud_root: str | None = None
    protected_root: str | None = None  # Program Files, Windows
    entries: tuple[str, ...] = ()  # a few names, to say what lies in a foreign folder
    remote: str | None = None  # git remote of another repository


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of 127.0.0.1."""

    number: int
    free: bool | None = None
    holder: str | None = None  # "python.exe (pid 4711)"
    reserved: bool = False  # the system keeps it: Hyper-V on Windows, ports below 1024 elsewhere


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One drive of a Windows machine, as a place for the installation."""

    root: str  # "D:\\"
    free_bytes: int | None = None
    filesystem: str | None = None
    kind: Literal["fixed", "removable", "network", "other"] | None = None


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy that programs will use. `url` is without name and password."""

    url: str
    origin: str  # "HTTPS_PROXY", "Windows settings"
    spares_loopback: bool  # no_proxy names 127.0.0.1 and localhost


@dataclass(frozen=True, kw_only=True)
class Host:
    """Whether an address that will be needed answers. `problem`: dns, refused, timeout, tls, proxy, http-451."""

    url: str
    purpose: str  # "git", "model", "torch", "packages"
    reachable: bool | None = None
    problem: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An AUTOMATIC1111 checkout in the target folder, as its files tell it: nothing in it was started."""

    commit: str | None = None
    branch: str | None = None
    foreign_owner: bool | None = None  # the repository belongs to another account, so git refuses to work in it
    models: tuple[str, ...] = ()  # file names below models/Stable-diffusion
    environment_python: tuple[int, int, int] | None = None  # of D/venv, None when there is no whole one
    environment_broken: str | None = None  # what is missing of D/venv
    torch: str | None = None  # version found in D/venv, "2.1.2+cu121"
    launch_files: tuple[str, ...] = ()  # names that exist: webui-user.bat, webui-user.sh
    damaged_files: tuple[str, ...] = ()  # of the web UI itself: missing, or no text


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything known about one machine and one target folder."""

    system: System
    gpus: tuple[Gpu, ...] = ()
    pythons: tuple[Python, ...] = ()
    git: Git | None = None
    memory: Memory = field(default_factory=Memory)
    cpu: Cpu = field(default_factory=Cpu)
    disk: Disk = field(default_factory=Disk)
    folder: Folder | None = None
    port: Port | None = None
    hosts: tuple[Host, ...] = ()
    installation: Installation | None = None
    parts: Parts | None = None  # what the installation consists of, looked at file by file
    drives: tuple[Drive, ...] = ()
    proxy: Proxy | None = None
    temp: Disk | None = None  # the volume of temporary files and caches, where it is not the target's
    # Why NVIDIA's own tools do not answer although a card is there: mismatch, not-running, denied, blocked, lost,
    # no-devices, timeout, failed.
    driver_problem: str | None = None
    recorded: InstallRecord | None = None  # what this installation was made for (D/.sdsetup/machine.json)
    # subject -> why its probe has no answer ("timed out after 5 s"); a subject that was asked and
    # is simply absent (no git) is not in here.
    unknown: Mapping[str, str] = field(default_factory=dict)
    probe_seconds: Mapping[str, float] = field(default_factory=dict)
