"""Every reader of foreign text, and of files of our own, on anything at all: a value or its documented error."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup import launchfile as launcher
from sdsetup.catalog.failures import parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide import startup, torch_verdict
from sdsetup.decide.diagnosis import diagnose_log, notes_in, spot
from sdsetup.decide.measuring import winner
from sdsetup.errors import SdsetupError
from sdsetup.execute.environment import pip_settings, uv_messages
from sdsetup.execute.git import messages as git_messages
from sdsetup.execute.own_files import MEASUREMENTS
from sdsetup.machine.decoding import decode
from sdsetup.probe import cpu, disk, environment, git, installation, memory, port, repository
from sdsetup.probe.gpus import macos as gpus_macos
from sdsetup.probe.gpus import registry, smi, sysfs
from sdsetup.probe.pythons import parse_answer
from sdsetup.probe.pythons.windows import parse_py_list
from sdsetup.probe.system import linux, macos
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.storage import read_json, read_own, write_json
from sdsetup.text import harmless
from sdsetup.values import corrections as learned
from sdsetup.values import install_record as record_of
from sdsetup.values import journal, versions
from sdsetup.values.shape import OwnFile
from sdsetup.values.undo_point import FILE as POINT
from sdsetup.workflows import model as fetching
from sdsetup.workflows.inspect import read_facts

SAMPLES = Path(__file__).parent / "samples"
BOOK = parse_failures(Profiles().raw("failures"), "failures.toml")


def lines_of(text: str) -> list[str]:
    return text.splitlines()


def meminfo(text: str) -> object:
    with contextlib.suppress(ValueError):  # documented: not even the total is told
        return memory.parse_meminfo(text, text[:20])


def through_a_start(text: str) -> object:
    state = startup.Startup()
    for line in lines_of(text):
        state = startup.after(state, line)
    return startup.address(state.url) if state.url else state


# What is read, by whom, and what it usually looks like.
READERS: dict[str, tuple[Callable[[str], Any], tuple[str, ...]]] = {
    "nvidia-smi query": (smi.parse_query, ("smi-query-*",)),
    "nvidia-smi table": (smi.parse_banner, ("smi-linux-*", "smi-win-*", "smi-wsl-*")),
    "nvidia-smi -L": (smi.parse_list, ("smi-L-*",)),
    "nvidia-smi slices": (smi.parse_slices, ("smi-*mig*",)),
    "nvidia-smi refused": (smi.parse_refused_field, ("smi-fail-*",)),
    "nvidia-smi problem": (smi.parse_problem, ("smi-fail-*",)),
    "capability": (smi.parse_capability, ()),
    "driver": (smi.parse_driver, ()),
    "cim": (registry.parse_cim, ("cim-*",)),
    "profiler": (gpus_macos.parse_profiler, ()),
    "pci ids": (lambda text: sysfs.parse_pci_ids(text, 0x1002, 0x73BF), ()),
    "sysfs hex": (sysfs.parse_hex, ()),
    "sysfs count": (sysfs.parse_count, ()),
    "sysfs address": (sysfs.parse_address, ()),
    "sysfs topology": (sysfs.parse_topology, ()),
    "py -0p": (parse_py_list, ("py-*",)),
    "python's answer": (parse_answer, ()),
    "pyvenv.cfg": (lambda text: environment.version_of(environment.parse_pyvenv(text)), ()),
    "git version": (git.parse_version, ("git-version-*",)),
    "git config": (repository.parse_remote, ()),
    "git commit": (repository.parse_commit, ()),
    "git packed refs": (lambda text: repository.parse_packed_refs(text, "refs/heads/master"), ()),
    "own record": (installation.parse_recorded, ()),
    "cpuinfo": (cpu.parse_cpuinfo, ()),
    "cpu sysctl": (cpu.parse_sysctl, ()),
    "meminfo": (meminfo, ()),
    "memory sysctl": (memory.parse_sysctl, ()),
    "paging files": (memory.parse_paging_files, ()),
    "mounts": (disk.parse_mounts, ()),
    "mount": (disk.parse_mount_program, ()),
    "netstat": (lambda text: port.parse_netstat(text, 7860), ()),
    "tasklist": (lambda text: port.parse_tasklist(text, 4711), ()),
    "ss": (port.parse_ss, ()),
    "lsof": (port.parse_lsof, ()),
    "os-release": (linux.parse_os_release, ()),
    "ldconfig": (linux.parse_ldconfig, ()),
    "tcmalloc": (startup.tcmalloc_in, ()),
    "sw_vers": (macos.parse_sw_vers, ()),
    "sysctl": (macos.parse_sysctl, ()),
    "version": (versions.parse_version, ()),
    "torch's answer": (torch_verdict.parse_said, ()),
    "pip.ini": (pip_settings.read_file, ()),
    "uv": (uv_messages.why_uv_failed, ()),
    "uv's secrets": (hide_secrets, ()),
    "git": (git_messages.why_git_failed, ()),
    "git's last words": (git_messages.last_words, ()),
    "git's progress": (git_messages.received, ()),
    "secrets": (harmless, ()),
    "rate": (fetching.parse_rate, ()),
    "a start": (through_a_start, ("logs/*.txt", "logs/*.log")),
    "diagnosis": (lambda text: diagnose_log(lines_of(text), BOOK), ("logs/*.txt", "logs/*.log")),
    "notes": (lambda text: notes_in(lines_of(text), BOOK), ("logs/*.txt", "logs/*.log")),
    "spot": (lambda text: spot(lines_of(text), BOOK), ("logs/*.txt", "logs/*.log")),
    "webui-user.bat": (lambda text: launcher.read("bat", text.encode("utf-8", "replace"), environment={}), ()),
    "webui-user.sh": (lambda text: launcher.read("sh", text.encode("utf-8", "replace"), environment={}), ()),
}
# What is put in the place of a number, or anywhere.
ODD = (
    *("", "-1", "1.2.3", "9" * 400, "9" * 5000, "1e999", "nan", "²", "٣", "0x", "[", "[::1", "http://[", "]"),
    *(
        "\0",
        "\x1b[31m",
        "\ud800",
        "\ufffd",
        "\r",
        "\n",
        ",,,,",
        '"',
        "'",
        "%",
        "{",
        "{0}",
        "{x.__class__}",
        "\u2028",
    ),
)
EXAMPLES = (
    "Startup time: 1.2.3s (import torch: 5.s)",
    "Running on local URL:  http://[::1",
    "Running on public URL: https://[x",
    "Model loaded in 1..2s (load weights: 3s)",
    "Loading weights [x] from /a/[b/c].ckpt",
    "10.0 MiB total, 9.9.9 used",
    "physical id\t: 9999999999999999999999",
    "MemTotal: 99999999999999999999 kB",
)
MESS = st.binary(max_size=300).map(decode) | st.text(max_size=200)


@st.composite
def damaged(draw: st.DrawFn, texts: tuple[str, ...]) -> str:
    """A usual text with some of its numbers, or places, made odd."""
    text = draw(st.sampled_from(texts))
    numbers = [found.span() for found in re.finditer(r"[\d.]+", text)] or [(0, 0)]
    for _ in range(draw(st.integers(1, 3))):
        odd = draw(st.sampled_from(ODD))
        if draw(st.booleans()):
            start, end = draw(st.sampled_from(numbers))
        else:
            start = end = draw(st.integers(0, len(text)))
        text = text[:start] + odd + text[end:]
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


def usual(patterns: tuple[str, ...]) -> tuple[str, ...]:
    files = [path for pattern in patterns for path in sorted(SAMPLES.glob(pattern))][:12]
    texts = [decode(path.read_bytes())[-6000:] for path in files]
    return (*texts, *EXAMPLES)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_foreign_text_never_fails(name: str) -> None:
    reader, patterns = READERS[name]

    @settings(max_examples=60, deadline=None)
    @given(MESS | damaged(usual(patterns)))
    def check(text: str) -> None:
        with contextlib.suppress(SdsetupError):
            reader(text)

    check()


# Files of our own.

OWN: dict[str, tuple[OwnFile, Callable[[Any], Any]]] = {
    "journal": (journal.FILE, journal.from_json),
    "learned": (learned.FILE, learned.from_json),
    "machine": (record_of.FILE, record_of.from_json),
    "measured": (
        MEASUREMENTS,
        lambda value: [winner.from_json(one, KEY) for one in (value or {}).get("kept", [])],
    ),
    "undo point": (POINT, lambda value: value),
}
KEY = winner.Key(card="a", driver=None, torch=None, commit=None, model_class="sd15", pictures="1")
GOOD: dict[str, dict[str, Any]] = {
    "journal": {"steps": {"webui": {"key": "k", "finished_at": "now", "result": {"commit": "c"}}}},
    "learned": {
        "card": "a card",
        "lessons": [{"because": "x", "add_flags": ["--a"], "drop_flags": [], "torch": None, "measured": True}],
    },
    "machine": {"card": "x", "vram_bytes": 8, "flags": ["--a"], "env": {}, "versions": {}},
    "measured": {"kept": [{"schema": "sdsetup.measured/1", "key": vars(KEY), "measurements": [{"name": 1}]}]},
    "undo point": {"at": "now", "environment": None},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, good: dict[str, Any]) -> Any:
    """A good value with one value in it, at any depth, replaced or left out."""

    def spoil(value: Any) -> Any:
        if not value or not isinstance(value, (dict, list)) or draw(st.integers(0, 3)) == 0:
            return draw(JSON)
        if isinstance(value, list):
            at = draw(st.integers(0, len(value) - 1))
            return [*value[:at], spoil(value[at]), *value[at + 1 :]]
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: one for name, one in value.items() if name != key}
        return rest if draw(st.integers(0, 3)) == 0 else {**rest, key: spoil(value[key])}

    return spoil(good)


@pytest.mark.parametrize("name", OWN)
def test_a_file_of_ours_is_a_value_or_damaged(name: str, tmp_path: Path) -> None:
    kind, convert = OWN[name]
    path = tmp_path / "own.json"
    good = {"schema": kind.schema, **GOOD[name]}
    write_json(path, good)
    assert read_own(path, kind).value == good

    @settings(max_examples=150, deadline=None)
    @given(
        st.binary(max_size=200)
        | changed(good).map(lambda value: json.dumps(value).encode())
        | st.integers(0, 60).map(lambda cut: json.dumps(good).encode()[:cut])
    )
    def check(content: bytes) -> None:
        path.write_bytes(content)
        read = read_own(path, kind)
        assert (read.value is None) != (read.damage is None)
        convert(read.value)
        read_json(path)

    check()


DAMAGE = {
    "empty": (b"", "empty"),
    "zeros": (bytes(4096), "empty"),
    "cut": (b'{"schema": "sdse', "incomplete"),
    "nested": (b'{"a":' * 100_000, "incomplete"),
    "nested-list": (b"[" * 100_000 + b"]" * 100_000, "incomplete"),
    "utf-16": ('{"schema": "x"}'.encode("utf-16"), "UTF-8"),
    "latin-1": (b'{"schema": "\xe4"}', "UTF-8"),
    "future": (b'{"schema": "sdsetup.journal/2", "steps": {}}', "another version"),
    "foreign": (b'{"schema": "other/1"}', "something else"),
    "list": (b"[]", "something else"),
    "wrong-types": (b'{"schema": "sdsetup.journal/1", "steps": {"a": {"key": 5}}}', "steps.a"),
    "many-digits": (b'{"schema": "sdsetup.journal/1", "steps": ' + b"9" * 5000 + b"}", "incomplete"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_for_what_it_is(name: str, tmp_path: Path) -> None:
    content, words = DAMAGE[name]
    path = tmp_path / "journal.json"
    path.write_bytes(content)
    assert words in str(read_own(path, journal.FILE).damage)


def test_a_folder_in_the_place_of_a_file_is_damage(tmp_path: Path) -> None:
    assert read_own(tmp_path, journal.FILE).damage is not None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps({"system": value}).encode()))
def test_a_file_of_facts_is_facts_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "facts.json"
    path.write_bytes(content)
    try:
        read_facts(path)
    except SdsetupError as error:
        assert error.code in ("facts-unreadable", "facts-invalid")
