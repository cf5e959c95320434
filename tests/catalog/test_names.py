"""The one judge of names: what both Windows and POSIX can have below a folder, and nothing that leaves it."""

from __future__ import annotations

import ntpath
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.catalog.names import name_problem, path_problem, ref_problem

LEAVES = [
    "", ".", "..", "/", "//", "/etc/passwd", "//server/share/x", "\\", "\\x", "\\\\server\\share\\x",
    "\\\\?\\C:\\x", "\\\\.\\COM1", "\\??\\C:\\x", "C:x", "C:/x", "C:\\x", "c:", "z:..", "../x", "x/..",
    "x/../y", "x/../../y", "./x",
    "x/.", "x//y", "x/", "x\\y", "x\\..\\y", "a/b\\..\\..\\c",
]  # fmt: skip
IS_NO_NAME = [
    "CON", "con", "Con.txt", "NUL", "nul.safetensors", "NUL .txt", "aux", "PRN.x.y", "COM1", "com0", "COM9.bin",
    "COM¹",
    "LPT1", "lpt³.txt", "CONIN$", "conout$.x", "CLOCK$", "models/CON/x", "a/nul.txt", "x.", "x ", "x..", "x. .",
    "a./b",
    "a /b", "xx:stream", "x.bin::$DATA", "xx:$INDEX_ALLOCATION", "a/b:c", "what?.bin", "a*b", "a<b", "a>b",
    'a"b', "a|b",
    "a\tb", "a\nb", "a\x00b", "a\x7fb", "a\x1bb", "a\x9bb", "a\u2028b", "gpj\u202etxt.exe", "a\ud800b",
    "a\u2066b",
    ".git", ".GIT", "x/.git", ".git/config", ".git/hooks/post-checkout", "GIT~1", "git~1/config", ".g\u200cit",
    "\ufeff.git", ".sdsetup", ".sdsetup/journal.json", ".SDSETUP/x", "models/.sdsetup",
]  # fmt: skip
IS_TOO_LONG = ["x" * 256, "a/" + "é" * 128, "a/" * 600 + "b"]
GOOD = [
    "model.safetensors", "models/Stable-diffusion/model.safetensors",
    "openai/clip-vit-large-patch14/config.json",
    "CONTENT.bin", "com10", "console", "nullify.txt", "auxiliary", "модель (1) [x] & %.safetensors", ".hidden",
    "...x",
    ".gitignore", "x.git", "git", "git~2", "a b/c d", "模型.ckpt", "é.bin", "x" * 255, "~", "-x", "$HOME",
    "%TEMP%", "a,b;c=d",
]  # fmt: skip


@pytest.mark.parametrize(("names", "kind"), [(LEAVES, "outside"), (IS_NO_NAME, "name"), (IS_TOO_LONG, "long")])
def test_refused(names: list[str], kind: str) -> None:
    found = {name: getattr(path_problem(name), "kind", None) for name in names}
    assert found == dict.fromkeys(names, kind)


def test_let_through() -> None:
    assert {name: path_problem(name) for name in GOOD} == dict.fromkeys(GOOD)
    assert path_problem("ComfyUI*/models/?", pattern=True) is None
    assert path_problem("ComfyUI*/models") is not None
    assert path_problem("**/../x", pattern=True) is not None


def test_one_name_has_no_parts() -> None:
    assert name_problem("BLIP") is None
    for name in ("a/b", "a\\b", "..", ".git", ""):
        assert name_problem(name) is not None


@pytest.mark.parametrize("ref", ["master", "v1.10.1", "release/1.10", "dev_2", "feature-x+1"])
def test_branches_and_tags(ref: str) -> None:
    assert ref_problem(ref) is None


@pytest.mark.parametrize(
    "ref", ["--upload-pack=x", "-x", "a..b", "a b", "a~1", "a^", "a:b", "", "x/", "a.lock", "a@{1}"]
)
def test_what_git_would_take_for_something_else(ref: str) -> None:
    assert ref_problem(ref) is not None


@given(st.text(alphabet=st.sampled_from("./\\:ab~$ *?C\x00\u202eé")) | st.text())
def test_what_is_let_through_stays_inside_for_both_systems(path: str) -> None:
    if path_problem(path) is not None:
        return
    for module, root in ((ntpath, "C:\\sd"), (posixpath, "/sd")):
        joined = module.normpath(module.join(root, path))
        assert joined.startswith(root + module.sep)
        assert joined != root
