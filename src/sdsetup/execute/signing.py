"""Ed25519 signatures (RFC 8032): a pair of keys, signing, checking.

A signature is 64 bytes and lies beside the file as NAME.sig. What is signed names its own kind
(`"schema": "sdsetup.kit/1"`), so a signature of one kind of file is of no use for another.
"""

from __future__ import annotations

import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from nacl.encoding import Base64Encoder
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as Ed25519Key
from nacl.signing import VerifyKey

from sdsetup.errors import SdsetupError, file_problem
from sdsetup.text import Text

ENDING = ".sig"
PUBLIC = ".pub"
_SECRET = "sdsetup-signing-key-1:"  # noqa: S105 - how the file begins, so that it's never taken for the public one
_LONGEST_KEY = 4096  # bytes


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """Whose signatures count. `text`: the key as one word, 44 characters."""

    text: str
    _key: VerifyKey

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether the owner of this key signed exactly this content."""
        try:
            self._key.verify(content, signature)
        except (BadSignatureError, ValueError):  # the latter: not 64 bytes
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key, which is never printed."""

    public: PublicKey
    _key: Ed25519Key

    def sign(self, content: bytes) -> bytes:
        return self._key.sign(content).signature


def make_keys(path: Path) -> SigningKey:
    """Write a new pair of keys: the private one to `path`, the public one beside it with ".pub".

    Raises:
        SdsetupError: `key-exists`; the cause when it can't be written.
    """
    made = _pair(Ed25519Key.generate())
    public = path.with_name(path.name + PUBLIC)
    try:
        with public.open("xb") as file:
            file.write(made.public.text.encode() + b"\n")
    except FileExistsError as error:
        raise _taken(public) from error
    except OSError as error:
        raise file_problem(error, public, Text("The key could not be written")) from error
    try:
        # For the owner's eyes only, from the first byte on.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_SECRET.encode() + made._key.encode(Base64Encoder) + b"\n")
    except OSError as error:
        public.unlink(missing_ok=True)  # of no use without the other
        if isinstance(error, FileExistsError):
            raise _taken(path) from error
        raise file_problem(error, path, Text("The key could not be written")) from error
    return made


def _taken(path: Path) -> SdsetupError:
    return SdsetupError(
        Text("A file with that name already exists"),
        where=path,
        why=Text("a lost key can't be recreated, so no file is replaced"),
        hint=Text("Choose another name."),
        code="key-exists",
    )


def signing_key(path: Path) -> SigningKey:
    """The private key in a file that `make_keys` wrote.

    Raises:
        SdsetupError: `key-invalid`; the cause when the file can't be read.
    """
    content = _content(path)
    if not content.startswith(_SECRET):
        raise _invalid(path, Text("it contains no private key"))
    try:
        return _pair(Ed25519Key(content.removeprefix(_SECRET).encode(), Base64Encoder))
    except (ValueError, binascii.Error) as error:
        raise _invalid(path, Text("the private key in it is damaged")) from error


def public_key(said: str) -> PublicKey:
    """A public key: the word itself, or the path of a file that holds it.

    Raises:
        SdsetupError: `key-invalid`; the cause when the file can't be read.
    """
    key = _public(said.strip())
    if key is not None:
        return key
    content = _content(Path(said))
    if content.startswith(_SECRET):
        raise _invalid(said, Text("it is the private key, which stays with whoever signs"))
    key = _public(content)
    if key is None:
        raise _invalid(said, Text("it contains no public key"))
    return key


def _pair(key: Ed25519Key) -> SigningKey:
    text = key.verify_key.encode(Base64Encoder).decode()
    return SigningKey(public=PublicKey(text=text, _key=key.verify_key), _key=key)


def _public(text: str) -> PublicKey | None:
    try:
        key = VerifyKey(text.encode("ascii"), Base64Encoder)
    except (ValueError, binascii.Error):
        return None
    # The decoder overlooks what stands behind the key.
    return PublicKey(text=text, _key=key) if key.encode(Base64Encoder).decode() == text else None


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_KEY).decode("utf-8-sig", "replace").strip()
    except OSError as error:
        raise file_problem(error, path, Text("The key cannot be read")) from error


def _invalid(where: object, why: Text) -> SdsetupError:
    return SdsetupError(
        Text("This is not a key that can be used here"),
        where=where,
        why=why,
        hint=Text("Sign with FILE, check with FILE.pub. Make such a pair of keys: sdsetup kit key FILE"),
        code="key-invalid",
    )
