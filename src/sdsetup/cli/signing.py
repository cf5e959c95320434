"""The options that name a key. The library behind them is loaded only where one is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.workflows.session import named_path

if TYPE_CHECKING:
    from sdsetup.execute.signing import PublicKey, SigningKey


def key_of(file: Path | None) -> SigningKey | None:
    """The private key of `--sign`.

    Raises:
        SdsetupError: `key-invalid`; the cause when the file can't be read.
    """
    if file is None:
        return None
    from sdsetup.execute.signing import signing_key

    return signing_key(named_path(file))


def checking_key(said: str | None) -> PublicKey | None:
    """The public key of `--kit-key`.

    Raises:
        SdsetupError: `key-invalid`; the cause when the file can't be read.
    """
    if said is None:
        return None
    from sdsetup.execute.signing import public_key

    return public_key(said)
