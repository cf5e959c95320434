"""The model folder: every file is named, with what to do; a person's own file is brought in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from model_samples import LFS_POINTER, WEB_PAGE, checkpoint, safetensors

from sdsetup.catalog.models import Model, ModelSource
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.models.folder import check_models
from sdsetup.execute.models.importing import import_file
from sdsetup.machine.real import RealMachine
from sdsetup.text import Text

KNOWN = safetensors(tensors=5)


def model(data: bytes = KNOWN) -> Model:
    return Model(
        name="tiny",
        title=Text("Tiny Diffusion"),
        file="tiny-pruned.safetensors",
        save_as="models/Stable-diffusion/model.safetensors",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        sources=(ModelSource(url="https://files.example/x"),),
    )


MODELS = {"tiny": model()}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(dir=tmp_path / "D", tools=tmp_path / "t", cache=tmp_path / "c", machine=RealMachine())


@pytest.fixture
def folder(context: Context) -> Path:
    path = context.dir / "models" / "Stable-diffusion"
    path.mkdir(parents=True)
    return path


def test_every_file_is_named(context: Context, folder: Path) -> None:
    (folder / "sub").mkdir()
    for name, data in {
        "any-name.safetensors": KNOWN,
        "own.safetensors": safetensors(tensors=2),
        "sub/same-size.safetensors": KNOWN[:-1] + b"?",
        "tiny-pruned.safetensors": KNOWN[:-9],
        "cut.safetensors": safetensors()[:-1],
        "page.ckpt": WEB_PAGE,
        "pointer.safetensors": LFS_POINTER,
        "old.ckpt": checkpoint(),
        "evil.ckpt": checkpoint(bad=True),
        "model.safetensors.part": KNOWN[: len(KNOWN) // 2],
        "model.safetensors.part.json": b"{}",
        "other.safetensors.part": b"12345",
        "model.safetensors.bad": b"12345",
        "model.safetensors.old-2": b"12345",
        "preview.png": b"x",
        "notes.txt": b"x",
        "config.yaml": b"x",
    }.items():
        (folder / name).write_bytes(data)
    found = {verdict.path: verdict for verdict in check_models(context, MODELS)}
    assert {name: verdict.state for name, verdict in found.items()} == {
        "any-name.safetensors": "known",
        "own.safetensors": "unknown",
        "sub/same-size.safetensors": "unknown",
        "tiny-pruned.safetensors": "damaged",
        "cut.safetensors": "damaged",
        "page.ckpt": "damaged",
        "pointer.safetensors": "damaged",
        "old.ckpt": "pickle",
        "evil.ckpt": "dangerous",
        "model.safetensors.part": "unfinished",
        "other.safetensors.part": "unfinished",
        "model.safetensors.bad": "set-aside",
        "model.safetensors.old-2": "set-aside",
    }
    assert found["any-name.safetensors"].model == "tiny"
    assert found["tiny-pruned.safetensors"].command == "sdsetup model get tiny"
    assert found["tiny-pruned.safetensors"].damage == "cut-short"
    assert found["model.safetensors.part"].command == "sdsetup model get tiny"
    assert "49%" in str(found["model.safetensors.part"].said) or "50%" in str(found["model.safetensors.part"].said)
    assert "system" in str(found["evil.ckpt"].said)
    assert all(verdict.todo for verdict in found.values() if not verdict.ok)


def test_a_link_into_nowhere_is_damaged(context: Context, folder: Path) -> None:
    try:
        (folder / "gone.safetensors").symlink_to(folder / "nowhere")
    except OSError:
        pytest.skip("this account may not make links")
    (verdict,) = check_models(context, MODELS)
    assert (verdict.state, verdict.damage) == ("damaged", "unreadable")


def test_no_folder(context: Context) -> None:
    with pytest.raises(SdsetupError) as caught:
        check_models(context, MODELS)
    assert caught.value.code == "no-model-folder"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "Загрузки (x86) & mehr" / "own.safetensors"
    path.parent.mkdir()
    path.write_bytes(safetensors())
    return path


def test_a_file_is_linked_in_and_the_original_stays(context: Context, own: Path) -> None:
    imported = import_file(own, context, MODELS)
    assert (imported.how, imported.model) == ("linked", None)
    assert imported.path.name == "own.safetensors"
    assert os.path.samefile(imported.path, own)
    assert import_file(own, context, MODELS).how == "there"


def test_a_file_is_copied_where_that_is_wanted(context: Context, own: Path) -> None:
    imported = import_file(own, context, MODELS, copy=True)
    assert imported.how == "copied"
    assert imported.path.read_bytes() == own.read_bytes()
    assert not os.path.samefile(imported.path, own)


def test_a_model_we_know_gets_the_name_that_install_looks_for(context: Context, own: Path) -> None:
    own.write_bytes(KNOWN)
    imported = import_file(own, context, MODELS)
    assert imported.model == "tiny"
    assert imported.path == context.dir / "models" / "Stable-diffusion" / "model.safetensors"


def test_a_name_of_ones_own(context: Context, own: Path) -> None:
    assert import_file(own, context, MODELS, name="other").path.name == "other.safetensors"
    assert import_file(own, context, MODELS, name="mine/Other.SAFETENSORS").path.parent.name == "mine"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../../outside", "target-outside"),
        ("", "target-outside"),
        ("\\x", "target-outside"),
        ("\\\\server\\share\\x", "target-outside"),
        ("C:x", "target-outside"),
        ("/tmp/x", "target-outside"),
        ("nul", "bad-file-name"),
        ("CON.safetensors", "bad-file-name"),
        ("model:stream", "bad-file-name"),
        (".git/x", "bad-file-name"),
        ("x" * 300, "path-too-long"),
        ("link/x", "target-outside"),
    ],
)
def test_a_name_that_leaves_the_folder(context: Context, own: Path, folder: Path, name: str, code: str) -> None:
    elsewhere = context.dir.parent / "elsewhere"
    elsewhere.mkdir()
    if name.startswith("link/"):
        (folder / "link").symlink_to(elsewhere)
    before = sorted(context.dir.parent.rglob("*"))
    with pytest.raises(SdsetupError) as caught:
        import_file(own, context, MODELS, name=name)
    assert caught.value.code == code
    assert sorted(context.dir.parent.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="no such file can be made")
def test_a_file_whose_own_name_only_this_system_can_have(context: Context, own: Path) -> None:
    odd = own.with_name("what? a:b.safetensors")
    own.rename(odd)
    with pytest.raises(SdsetupError) as caught:
        import_file(odd, context, MODELS)
    assert caught.value.code == "bad-file-name"
    assert "--as NAME" in str(caught.value.hint)
    assert import_file(odd, context, MODELS, name="plain").path.name == "plain.safetensors"


def test_another_file_of_that_name_is_not_replaced(context: Context, folder: Path, own: Path) -> None:
    (folder / "own.safetensors").write_bytes(KNOWN)
    with pytest.raises(SdsetupError) as caught:
        import_file(own, context, MODELS)
    assert caught.value.code == "name-taken"
    assert (folder / "own.safetensors").read_bytes() == KNOWN


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.safetensors", safetensors()[:-5], "model-damaged"),
        ("a.safetensors", WEB_PAGE, "model-damaged"),
        ("a.safetensors", LFS_POINTER, "model-damaged"),
        ("a.txt", b"hello", "not-a-model"),
        ("a.zip", checkpoint(), "not-a-model"),
        ("a.ckpt", checkpoint(), "pickle-refused"),
        ("a.pt", checkpoint(), "pickle-refused"),
        ("a.ckpt", checkpoint(bad=True), "pickle-refused"),
    ],
)
def test_what_is_not_let_in(context: Context, tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SdsetupError) as caught:
        import_file(path, context, MODELS)
    assert caught.value.code == code
    assert not (context.dir / "models").exists()


def test_a_pickle_is_let_in_only_after_a_scan(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(checkpoint())
    imported = import_file(path, context, MODELS, allow_pickle=True)
    assert imported.scan is not None and imported.scan.verdict == "clean"
    evil = tmp_path / "evil.ckpt"
    evil.write_bytes(checkpoint(bad=True))
    with pytest.raises(SdsetupError) as caught:
        import_file(evil, context, MODELS, allow_pickle=True)
    assert caught.value.code == "pickle-dangerous"
    assert not (imported.path.parent / "evil.ckpt").exists()


def test_names_that_nobody_knows_need_a_consent_of_their_own(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(checkpoint(program=b"\x80\x02cldm.thing\nOne\n)Rcldm.thing\nTwo\n)R0."))
    for trust in ((), ("ldm.thing.One",), ("ldm.thing",)):
        with pytest.raises(SdsetupError) as caught:
            import_file(path, context, MODELS, allow_pickle=True, trust=trust)
        assert caught.value.code == "pickle-unknown"
        assert "ldm.thing.Two" in str(caught.value.message)
        assert "--trust ldm.thing.Two" in str(caught.value.hint)
        assert not (context.dir / "models").exists()
    imported = import_file(path, context, MODELS, allow_pickle=True, trust=("ldm.thing.One", "ldm.thing.Two"))
    assert imported.scan is not None and imported.scan.verdict == "unknown"
    (verdict,) = check_models(context, MODELS)
    assert (verdict.state, verdict.ok) == ("pickle-unknown", False)
    path.write_bytes(checkpoint(bad=True))
    with pytest.raises(SdsetupError) as caught:
        import_file(path, context, MODELS, name="b", allow_pickle=True, trust=("posix.system", "nt.system"))
    assert caught.value.code == "pickle-dangerous"


def test_a_file_that_is_not_there(context: Context, tmp_path: Path) -> None:
    with pytest.raises(SdsetupError) as caught:
        import_file(tmp_path / "absent.safetensors", context, MODELS)
    assert caught.value.code == "no-such-file"
