"""What is in a pickled model: every form that torch loads, and every disguise, is read without running it."""

from __future__ import annotations

import bz2
import collections
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup.catalog.files import Profiles
from sdsetup.catalog.pickles import parse_pickles
from sdsetup.execute.models.pickle_scan import Scan, scan_pickle

NAMES = parse_pickles(Profiles().raw("pickles"))
MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Calls:
    """An object whose pickle calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def good(protocol: int = 2) -> bytes:
    return pickle.dumps(collections.OrderedDict(weights=[1, 2.5], names={"a", "b"}), protocol=protocol)


def evil(protocol: int = 2) -> bytes:
    return pickle.dumps(Calls(os.system, "touch pwned"), protocol=protocol)


def calling(module: str, name: str) -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")R."


def legacy(thing: bytes, *, magic: bytes | None = None, system: bytes | None = None) -> bytes:
    """What torch.save wrote before 2020: five pickles, then the storages' numbers."""
    first = magic or pickle.dumps(MAGIC, protocol=2)
    parts = [first, pickle.dumps(1001, protocol=2), system or pickle.dumps(SYSTEM, protocol=2), thing]
    return b"".join(
        [*parts, pickle.dumps(["0"], protocol=2), struct.pack("<q", 3), b"\x80\x02cos\nsystem\n\xff" * 3]
    )


def zipped(thing: bytes, *, name: str = "archive/data.pkl", more: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, thing)
        for other, content in {
            "archive/version": b"3\n",
            "archive/data/0": b"\x80\x02cos\nsys",
            **(more or {}),
        }.items():
            archive.writestr(other, content)
    return file.getvalue()


def tarred(thing: bytes, *, form: int = tarfile.PAX_FORMAT, first: str = "sys_info") -> bytes:
    """What torch.save wrote in its first year."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in (
            (first, pickle.dumps(SYSTEM)),
            ("pickle", thing),
            ("storages", b""),
            ("tensors", b""),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def scan(tmp_path: Path, data: bytes, name: str = "a.ckpt") -> Scan:
    path = tmp_path / name
    path.write_bytes(data)
    found = scan_pickle(path, NAMES)
    assert not Path("pwned").exists()
    return found


PROTOCOLS = range(6)
# One tensor as torch.save writes it: its numbers are in a storage that a persistent id names.
TENSOR = (
    b"\x80\x02}q\x00X\x06\x00\x00\x00weightq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storage"
    b"q\x03ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x04tq\x07QK\x00K\x02K\x02"
    b"\x86q\x08K\x02K\x01\x86q\x09\x89ccollections\nOrderedDict\nq\x0a)Rq\x0btq\x0cRq\x0ds."
)


def test_a_tensor_is_clean(tmp_path: Path) -> None:
    assert scan(tmp_path, zipped(TENSOR)) == Scan()
    assert scan(tmp_path, legacy(TENSOR)) == Scan()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("pack", [bytes, legacy, zipped], ids=["plain", "legacy", "zip"])
def test_every_protocol(tmp_path: Path, protocol: int, pack: Callable[[bytes], bytes]) -> None:
    assert scan(tmp_path, pack(good(protocol))) == Scan()
    found = scan(tmp_path, pack(evil(protocol)))
    assert found.verdict == "dangerous"
    assert any(name.endswith(".system") for name in found.dangerous), found


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar_is_dangerous(tmp_path: Path, form: int) -> None:
    assert scan(tmp_path, tarred(evil(), form=form)).verdict == "dangerous"
    assert scan(tmp_path, tarred(good(), form=form)).verdict == "dangerous"


def test_a_tar_that_begins_with_a_clean_pickle(tmp_path: Path) -> None:
    """A tar begins with the name of its first file, and torch takes it for a tar before all else."""
    assert scan(tmp_path, tarred(evil(), form=tarfile.USTAR_FORMAT, first="N.")).verdict == "dangerous"


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda data: b"7z\xbc\xaf\x27\x1c" + data,
        lambda data: b"Rar!" + data,
    ],
    ids=["gz", "bz2", "xz", "7z", "rar"],
)
def test_what_is_neither_a_zip_nor_a_pickle_is_dangerous(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    for name in ("a.ckpt", "a.pt", "a.bin", "a.pth"):
        assert scan(tmp_path, pack(good()), name).verdict == "dangerous"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"),
        ("commands", "getoutput"),
        ("io", "open"), ("_io", "open"), ("_io", "FileIO"), ("io", "open_code"), ("codecs", "open"),
        ("pathlib", "Path"),
        ("importlib", "import_module"), ("importlib", "__import__"), ("imp", "load_source"),
        ("runpy", "run_path"),
        ("builtins", "eval"), ("builtins", "exec"), ("builtins", "__import__"), ("builtins", "getattr"),
        ("builtins", "open"), ("builtins", "compile"), ("builtins", "map"), ("builtins", "setattr"),
        ("builtins", "input"),
        ("__builtin__", "eval"), ("__builtin__", "execfile"), ("__builtin__", "file"), ("__builtin__", "reduce"),
        ("functools", "reduce"), ("functools", "partial"), ("operator", "attrgetter"), ("operator", "call"),
        ("pickle", "loads"), ("_pickle", "loads"), ("cPickle", "loads"), ("marshal", "loads"), ("shelve", "open"),
        ("types", "FunctionType"), ("types", "CodeType"), ("code", "interact"), ("pty", "spawn"), ("pdb", "run"),
        ("ctypes", "CDLL"), ("socket", "create_connection"), ("urllib.request", "urlopen"),
        ("urllib2", "urlopen"),
        ("webbrowser", "open"), ("shutil", "rmtree"), ("tempfile", "mkdtemp"), ("logging.config", "fileConfig"),
        ("asyncio.subprocess", "create_subprocess_shell"), ("multiprocessing.util", "spawnv_passfds"),
        ("sqlite3", "connect"), ("zipfile", "ZipFile"), ("xml.etree.ElementTree", "parse"), ("smtplib", "SMTP"),
        ("site", "addsitedir"), ("atexit", "register"), ("threading", "Thread"), ("signal", "signal"),
        ("gc", "get_objects"),
        ("pipes", "Template"), ("_pyrepl.pager", "pipe_pager"),
        ("distutils.spawn", "spawn"), ("pip", "main"), ("pip._internal", "main"), ("torch", "load"),
        ("torch.serialization", "load"), ("torch.hub", "load"), ("torch.jit", "load"),
        ("torch.utils.cpp_extension", "load"),
        ("numpy", "load"), ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("pandas", "read_pickle"), ("joblib", "load"), ("requests", "get"), ("modules.launch_utils", "run"),
        ("torch.serialization", "os.system"), ("torch", "os.system"), ("torch.utils.data", "os"),
        ("some.where", "subprocess"),
        ("collections", "OrderedDict.__init__"), ("torch._utils", "__builtins__"), ("x", "y.__globals__"),
        ("collections", "_sys.modules"), ("", "x"), ("x", ""), ("o s", "system"), ("os\x1b[2J", "x"),
        (".os", "system"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pack", [bytes, zipped], ids=["plain", "zip"])
def test_dangerous_names(tmp_path: Path, module: str, name: str, pack: Callable[[bytes], bytes]) -> None:
    found = scan(tmp_path, pack(calling(module, name)))
    assert found.verdict == "dangerous"
    if f"{module}.{name}".replace(".", "").isidentifier():  # by its name, not because it could not be read
        assert f"{module}.{name}" in found.dangerous
        assert not found.failed
    as_text = b"\x80\x04" + b"".join(
        b"X" + struct.pack("<I", len(t.encode())) + t.encode() for t in (module, name)
    )
    assert scan(tmp_path, pack(as_text + b"\x93)R.")).verdict == "dangerous"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("collections", "OrderedDict"), ("torch", "HalfStorage"), ("torch", "float16"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"), ("numpy.core.multiarray", "scalar"), ("numpy", "dtype"),
        ("_codecs", "encode"),
        ("__builtin__", "set"), ("builtins", "set"), ("copy_reg", "_reconstructor"), ("argparse", "Namespace"),
        ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"), ("datetime", "datetime"),
    ],
)  # fmt: skip
def test_harmless_names(tmp_path: Path, module: str, name: str) -> None:
    assert scan(tmp_path, zipped(calling(module, name))) == Scan()


@pytest.mark.parametrize(
    "module", ["pytorch_lightning.callbacks", "omegaconf.dictconfig", "ldm.models.diffusion.ddpm"]
)
def test_unknown_names(tmp_path: Path, module: str) -> None:
    found = scan(tmp_path, zipped(calling(module, "SomeClass")))
    assert found == Scan(unknown=(f"{module}.SomeClass",))
    assert found.verdict == "unknown"


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x04" + text("os") + b"\x94" + text("system") + b"\x94\x93)R.",
        b"\x80\x04" + text("system") + text("os") + b"q\x05" + text("x") + b"00h\x05"
        + text("system") + b"\x93)R.",
        b"\x80\x04" + text("os") + text("x") + b"0" + text("system") + b"\x93)R.",  # POP between
        b"\x80\x04" + text("os") + b"(" + text("x") + b"1" + text("system") + b"\x93)R.",  # POP_MARK between
        b"\x80\x04" + text("os") + b"2\x93)R.",  # DUP: os.os
        b"\x80\x04" + text("collections") + b"\x94" + text("OrderedDict") + b"\x94\x930"
        + text("os") + b"q\x00" + text("system") + b"q\x010h\x00h\x01\x93)R.",  # a memo that is written over
        # A name that is put together while loading, and a memo that was never written.
        b"\x80\x04cbuiltins\nstr\n" + text("os") + b"\x85R" + text("system") + b"\x93)R.",
        b"\x80\x04h\x07" + text("system") + b"\x93)R.",
        b"\x80\x04\x93.",
        b"\x80\x02\x82\x01)R.",  # the extension registry
        b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00xo.",  # OBJ
        b"(S'touch pwned'\nios\nsystem\n.",  # INST
        b"(S'touch pwned'\niposix\nsystem\n.",
        b"cos\nsystem\n(S'touch pwned'\ntR.",
        b"\x80\x02cos\nsystem\n\xff\xff",
        b"\x80\x02cnumpy\nndarray\n\xff",
        b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00x\x85R",  # no end
        b"\x80\x02}",
        b"\x80\x02.",
        b"\x80\x02N.\x00\x00garbage",
        b"N.",
        b"",
    ],
)  # fmt: skip
def test_tricks(tmp_path: Path, program: bytes) -> None:
    expected = "clean" if program == b"N." else "dangerous"
    assert scan(tmp_path, program).verdict == expected
    assert scan(tmp_path, zipped(program)).verdict == expected


@pytest.mark.parametrize("position", range(4))
def test_every_one_of_several_pickles_counts(tmp_path: Path, position: int) -> None:
    parts = [good(), good(0), good(4), good(5)]
    assert scan(tmp_path, b"".join(parts)) == Scan()
    parts[position] = evil(position)
    assert scan(tmp_path, b"".join(parts)).verdict == "dangerous"


def test_every_one_of_the_five_counts(tmp_path: Path) -> None:
    assert scan(tmp_path, legacy(good(), system=evil())).verdict == "dangerous"
    assert scan(tmp_path, legacy(good(), magic=calling("builtins", "eval"))).verdict == "dangerous"
    made = b"\x80\x02cos\nsystem\n)R0\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
    assert scan(tmp_path, legacy(good(), magic=made)).verdict == "dangerous"
    assert scan(tmp_path, pickle.dumps(MAGIC, protocol=2) + good()).verdict == "dangerous"


def test_a_pickle_in_a_pickle(tmp_path: Path) -> None:
    for depth in (1, 2):
        inner = evil()
        for _ in range(depth):
            inner = pickle.dumps({"data": inner}, protocol=4)
        assert scan(tmp_path, inner).verdict == "dangerous"
    loads = pickle.dumps(Calls(pickle.loads, good()), protocol=4)
    assert scan(tmp_path, zipped(loads)).verdict == "dangerous"
    assert (
        scan(tmp_path, zipped(pickle.dumps({"weights": bytes(range(256)) * 99, "note": "(c) 2024"}, 4))) == Scan()
    )


def test_archives_that_are_not_what_torch_writes(tmp_path: Path) -> None:
    assert scan(tmp_path, zipped(good(), name="archive/other.pkl")).verdict == "dangerous"
    assert scan(tmp_path, zipped(good(), more={"archive/extra.pkl": evil()})).verdict == "dangerous"
    assert scan(tmp_path, zipped(good(), more={"archive/notes": evil(4)})).verdict == "dangerous"
    assert scan(tmp_path, zipped(good(), more={"other/data.pkl": evil()})).verdict == "dangerous"
    assert scan(tmp_path, good() + zipped(evil())).verdict == "dangerous"
    assert scan(tmp_path, evil() + zipped(good())).verdict == "dangerous"
    assert scan(tmp_path, zipped(good()) + zipped(evil())).verdict == "dangerous"
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(good(), more={"archive/data.pkl": evil()})
    assert scan(tmp_path, twice).verdict == "dangerous"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", evil())
    assert scan(tmp_path, packed.getvalue()).verdict == "dangerous"
    torn = bytearray(zipped(good()))
    torn[torn.index(b"OrderedDict")] ^= 1
    assert scan(tmp_path, bytes(torn)).verdict == "dangerous"


def test_torchscript_is_code_that_nobody_has_read(tmp_path: Path) -> None:
    script = zipped(good(), more={"archive/constants.pkl": good(), "archive/code/__torch__.py": b"def f(): ..."})
    assert scan(tmp_path, script) == Scan(unknown=("torch.jit",))


def test_names_are_harmless_on_a_screen(tmp_path: Path) -> None:
    found = scan(tmp_path, calling("os\x1b]0;x\x07", "system" + "a" * 500))
    assert all(name.isprintable() and len(name) <= 120 for name in found.dangerous)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ckpt"
    for content in (data, b"\x80\x04" + data, b"PK\x03\x04" + data, zipped(data)):
        path.write_bytes(content)
        assert scan_pickle(path, NAMES).verdict in ("clean", "unknown", "dangerous")


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_a_cut_one_is_not_clean(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.ckpt"
    whole = zipped(good())
    path.write_bytes(whole[: at % len(whole)])
    assert scan_pickle(path, NAMES).verdict == "dangerous"
