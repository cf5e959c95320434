"""Keys and signatures by themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.execute.signing import make_keys, public_key, signing_key

# RFC 8032, section 7.1, test 2: what any other program makes of the same key and message.
SECRET = "sdsetup-signing-key-1:TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs="
PUBLIC = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
SIGNED = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_it_is_the_signature_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    key = signing_key(tmp_path / "key")
    assert key.public.text == PUBLIC
    assert key.sign(b"\x72").hex() == SIGNED
    assert public_key(PUBLIC).signed(b"\x72", bytes.fromhex(SIGNED))
    assert not public_key(PUBLIC).signed(b"\x73", bytes.fromhex(SIGNED))
    assert SECRET.partition(":")[2] not in repr(key)


def test_a_new_pair_is_read_back_and_the_private_one_is_for_its_owner(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "my key")
    again = signing_key(tmp_path / "my key")
    assert again.public == public_key(str(tmp_path / "my key.pub")) == public_key(f" {made.public.text}\n")
    assert made.public.signed(b"x", again.sign(b"x"))
    if os.name != "nt":
        assert (tmp_path / "my key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("there", ["key", "key.pub"])
def test_no_key_is_ever_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_bytes(b"mine")
    with pytest.raises(SdsetupError) as refused:
        make_keys(tmp_path / "key")
    assert refused.value.code == "key-exists"
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"mine"


@pytest.mark.parametrize(
    "content", ["", "x", PUBLIC, SECRET[:-6], "sdsetup-signing-key-1:", "\xff\x00", "A" * 10_000]
)
def test_what_is_no_private_key(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode("latin-1"))
    with pytest.raises(SdsetupError) as refused:
        signing_key(tmp_path / "key")
    assert refused.value.code == "key-invalid"


@pytest.mark.parametrize("content", ["", "x", PUBLIC[:-5], PUBLIC + PUBLIC, "\xff\x00", SECRET])
def test_what_is_no_public_key(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode("latin-1"))
    with pytest.raises(SdsetupError) as refused:
        public_key(str(tmp_path / "key"))
    assert refused.value.code == "key-invalid"
    if content == SECRET:
        assert "private" in str(refused.value.why)
        assert SECRET not in f"{refused.value.message}{refused.value.why}{refused.value.hint}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for read in (lambda: signing_key(tmp_path / "none"), lambda: public_key(str(tmp_path / "none"))):
        with pytest.raises(SdsetupError) as refused:
            read()
        assert refused.value.code == "file-trouble"
