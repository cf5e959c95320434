"""Profiles that are newer than the program: signed, whole, newer, or not taken at all."""

from __future__ import annotations

import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from documents import document
from installations import HERE
from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles, built_in_profiles
from sdsetup.errors import SdsetupError
from sdsetup.execute.newer_profiles import LIST, edition_in_use, folder_in_use, pack, take
from sdsetup.execute.signing import SigningKey, make_keys

OWN = Catalog().updates.edition
MARK = "# newer\n"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return make_keys(tmp_path / "key")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"SDSETUP_DATA_DIR": str(tmp_path / "data")}


def archive(folder: Path, edition: int, change: Callable[[Path], object] = lambda _folder: None) -> bytes:
    made = folder / f"profiles-{edition}"
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(built_in_profiles(), made)
    fit = made / "fit.toml"
    fit.write_text(MARK + fit.read_text(encoding="utf-8"), encoding="utf-8")
    change(made)
    return pack(made, edition)


def taken(content: bytes, key: SigningKey, env: dict[str, str], signature: bytes | None = None) -> int | None:
    newest = edition_in_use(env, OWN)
    signed = key.sign(content) if signature is None else signature
    return take(content, signed, ("A" * 43 + "=", key.public.text), newest=newest, env=env, where="there")


def test_newer_ones_count_and_their_own_word_on_where_from_does_not(
    tmp_path: Path, key: SigningKey, env: dict[str, str]
) -> None:
    assert folder_in_use(env) is None

    def other_source(folder: Path) -> None:
        (folder / "updates.toml").write_text('edition = 99\nurls = ["https://elsewhere/x.zip"]\nkeys = ["x"]\n')
        (folder / "tuning" / "another.toml").write_bytes((folder / "tuning" / "current.toml").read_bytes())

    assert taken(archive(tmp_path, OWN + 1, other_source), key, env) == OWN + 1
    folder = folder_in_use(env)
    assert folder is not None
    assert (folder / "fit.toml").read_text(encoding="utf-8").startswith(MARK)
    catalog = Catalog(Profiles(newer=folder))
    catalog.check()
    assert "another" in catalog.files.names("tuning")
    assert (catalog.updates.edition, catalog.updates.urls, catalog.updates.keys) == (OWN, (), ())
    assert taken(archive(tmp_path, OWN + 1), key, env) is None, "the one in use"
    assert taken(archive(tmp_path, OWN + 2), key, env) == OWN + 2
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [str(OWN + 2)]


def entries(change: Callable[[zipfile.ZipFile], object]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        change(made)
    return packed.getvalue()


def listed(made: zipfile.ZipFile, *names: str, edition: object = OWN + 9) -> None:
    made.writestr(LIST, json.dumps({"schema": "sdsetup.profiles/1", "edition": edition}))
    for name in names:
        made.writestr(name, "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x05\x06",
        entries(lambda made: made.writestr("fit.toml", "")),
        entries(lambda made: listed(made, edition="9")),
        entries(lambda made: listed(made, "fit.toml")),
        entries(lambda made: listed(made, "../../out.toml")),
        entries(lambda made: listed(made, "/out.toml")),
        entries(lambda made: listed(made, "run.py")),
        entries(lambda made: listed(made, *(f"{n}.toml" for n in range(300)))),
        entries(lambda made: made.writestr("fit.toml", "#" * 600_000)),
    ],
)
def test_what_is_no_archive_of_profiles(
    tmp_path: Path, key: SigningKey, env: dict[str, str], content: bytes
) -> None:
    assert taken(archive(tmp_path, OWN + 1), key, env) == OWN + 1
    with pytest.raises(SdsetupError) as refused:
        taken(content, key, env)
    assert refused.value.code == "profiles-unusable"
    assert edition_in_use(env, OWN) == OWN + 1
    assert not (tmp_path / "out.toml").exists()


def test_older_unknown_and_unsigned_ones_are_refused_and_the_former_stay(
    tmp_path: Path, key: SigningKey, env: dict[str, str]
) -> None:
    assert taken(archive(tmp_path, OWN + 5), key, env) == OWN + 5
    newer = archive(tmp_path, OWN + 6)

    def for_a_later_program(folder: Path) -> None:
        with (folder / "doctor.toml").open("a") as file:
            file.write("\n[thing_of_tomorrow]\nvalue = 1\n")

    signature = key.sign(newer)
    for content, signed, code in (
        (archive(tmp_path, OWN + 4), None, "profiles-older"),
        (archive(tmp_path, OWN), None, "profiles-older"),
        (newer, b"", "profiles-signature"),
        (newer, make_keys(tmp_path / "another").sign(newer), "profiles-signature"),
        (newer[:-1], signature, "profiles-signature"),
        (newer + b"x", signature, "profiles-signature"),
        (archive(tmp_path, OWN + 7, for_a_later_program), None, "profiles-unusable"),
    ):
        with pytest.raises(SdsetupError) as refused:
            taken(content, key, env, signed)
        assert refused.value.code == code
        folder = folder_in_use(env)
        assert folder is not None
        assert folder.name == str(OWN + 5)
        Catalog(Profiles(newer=folder)).check()
    assert [path.name for path in (tmp_path / "data" / "profiles").iterdir() if path.is_dir()] == [str(OWN + 5)]


def test_another_version_of_the_program_does_not_use_them(
    tmp_path: Path, key: SigningKey, env: dict[str, str]
) -> None:
    taken(archive(tmp_path, OWN + 1), key, env)
    used = tmp_path / "data" / "profiles" / "used.json"
    said = json.loads(used.read_text())
    used.write_text(json.dumps({**said, "program": "0.0.1"}))
    assert folder_in_use(env) is None
    used.write_text("{")
    assert folder_in_use(env) is None
    used.write_text(json.dumps(said))
    shutil.rmtree(tmp_path / "data" / "profiles" / str(OWN + 1))
    assert folder_in_use(env) is None


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    (tmp_path / "served").mkdir()
    files = partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/profiles.zip", tmp_path / "served" / "profiles.zip"
        server.shutdown()


def test_the_command_asks_the_configured_source_and_uses_what_it_got(
    tmp_path: Path, key: SigningKey, env: dict[str, str], served: tuple[str, Path]
) -> None:
    url, file = served
    overlay = tmp_path / "mine"
    overlay.mkdir()
    (overlay / "updates.toml").write_text(f'urls = ["{url}"]\nkeys = ["{key.public.text}"]\n')
    variables = {**os.environ, **env, "PYTHONPATH": str(HERE.parent / "src"), "SDSETUP_PROFILES": str(overlay)}

    def sdsetup(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "sdsetup", *words]
        return subprocess.run(argv, capture_output=True, text=True, env=variables, timeout=60, check=False)

    def model(folder: Path) -> None:
        text = (folder / "models.toml").read_text(encoding="utf-8")
        changed = text.replace('title = "Stable Diffusion 1.5"', 'title = "The newer one"', 1)
        assert changed != text
        (folder / "models.toml").write_text(changed, encoding="utf-8")

    missing = sdsetup("self", "update", "--yes")
    assert (missing.returncode, "profiles-unreachable" in missing.stderr) == (1, True)
    content = archive(tmp_path, OWN + 1, model)
    file.write_bytes(content)
    Path(f"{file}.sig").write_bytes(key.sign(content))
    assert sdsetup("self", "update").returncode == 2, "nobody is there to agree"
    assert "The newer one" not in sdsetup("model", "list", "--json").stdout
    done = sdsetup("self", "update", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert document(done.stdout)["profiles"] == {"from": OWN, "to": OWN + 1}
    assert "The newer one" in sdsetup("model", "list", "--json").stdout
    assert document(sdsetup("self", "update", "--yes", "--json").stdout)["profiles"]["from"] == OWN + 1
    Path(f"{file}.sig").write_bytes(b"x" * 64)
    wrong = sdsetup("self", "update", "--yes")
    assert (wrong.returncode, "profiles-signature" in wrong.stderr) == (1, True)
    assert "The newer one" in sdsetup("model", "list", "--json").stdout


def test_the_release_tool_makes_what_is_taken(tmp_path: Path, key: SigningKey, env: dict[str, str]) -> None:
    tool = Path(__file__).parents[2] / "tools" / "profiles-archive"
    out = tmp_path / "out.zip"
    variables = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    subprocess.run([sys.executable, tool, str(tmp_path / "key"), str(out)], check=True, env=variables)
    content, signature = out.read_bytes(), Path(f"{out}.sig").read_bytes()
    keys = (key.public.text,)
    assert take(content, signature, keys, newest=OWN - 1, env=env, where="there") == OWN
