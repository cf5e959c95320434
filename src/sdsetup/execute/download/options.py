"""How a transfer is carried out, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdsetup.text import Text

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """Limits and manners of a transfer. Times in seconds, sizes in bytes, rates in bytes per second.

    `fruitless`: tries in a row that brought nothing before a source is given up; tries that brought
    bytes are bounded only by `attempts`, the total for one file. `copy`: a copy that was proved a moment
    ago and is to be used; `look_for_copies`: whether to look for one. `durable`: a finished file must
    outlast a power cut, so the drive is waited for.
    """

    limit_rate: float | None = None
    connect_timeout: float = 8  # for each address of a name: a network whose IPv6 leads nowhere has others
    answer_timeout: float = 40  # from the question (looking up and connecting included) to the head of its answer
    first_answer: float = 8  # the same for the first try of a source where there are others
    stall_seconds: float = 30
    stall_rate: float = 1000  # slower than this for `stall_seconds` is a stall
    fruitless: int = 5
    attempts: int = 1000
    first_pause: float = 1.0
    longest_pause: float = 60
    longest_wait: float = 120  # the longest Retry-After that is waited for
    redirects: int = 10
    mark_bytes: int = 64 * MIB  # a checkpoint of the hash is noted this often
    margin_bytes: int = 256 * 10**6  # to be left free on the drive
    look_for_copies: bool = True
    smallest_copy: int = 10**7  # a smaller file is downloaded more quickly than looked for
    copy: Path | None = None
    durable: bool = True
    connections: int = 4  # at most, and only where the host limits each one
    trial_after: float = 15  # a stream is measured so long before one more is tried
    trial_seconds: float = 8
    trial_worth: float = 60  # seconds still to go, or it is not worth a trial
    piece_least: int = 8 * MIB
    piece_most: int = 64 * MIB
    hub: str | None = None  # the hub's address where HF_ENDPOINT names none; None: the built-in profile's
    mirrors: tuple[str, ...] | None = None  # of the hub; None: the built-in profile's


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file that is in place and proved.

    `transferred_bytes`: body bytes received by this run (0 when it was there or was reused);
    `resumed_from`: bytes an earlier run had left; `source`: a name for people, without secrets.
    """

    path: Path
    transferred_bytes: int = 0
    reused_from: Path | None = None
    source: str = ""
    resumed_from: int = 0


class SourceError(Exception):
    """One source could not deliver. Internal: the next source is tried, the last one makes the error."""

    def __init__(
        self,
        why: Text,
        code: str,
        *,
        source: str,
        wait: float | None = None,
        detail: str = "",
        again: bool = False,
    ) -> None:
        super().__init__(str(why))
        self.why = why
        self.code = code
        self.source = source
        self.wait = wait  # the server asked to be left alone for so long
        self.detail = detail
        self.again = again  # it had one try only, and may answer another time
