"""What a failed download says: which case it was, what is kept, and how to go on."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.download.options import SourceError
from sdsetup.text import Text, message, rounded
from sdsetup.values.plan import FetchFile

_AGAIN = "Run the same command again: it continues where it stopped."

# What helps, by the code of a failed source. What is not here is helped by trying again later.
_HINTS = {
    "captive-portal": "Open any page in a browser, log in to this network, then run the same command again.",
    "no-such-host": "Check the internet connection (and the DNS settings), then run the same command again.",
    "connection-refused": "Check the internet connection, firewall and proxy, then run the same command again.",
    "connect-timeout": "Check the internet connection, firewall and proxy, then run the same command again.",
    "proxy-login-needed": "Put name and password into the proxy variable "
    "(https_proxy=http://name:password@host:port), then run the same command again.",
    "certificate-not-trusted": "A virus scanner or company network may look into encrypted traffic: give its "
    "certificate file in REQUESTS_CA_BUNDLE, then run the same command again.",
    "certificate-dates": "Set this computer's clock right, then run the same command again.",
    "certificates-unreadable": "Let REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE, SSL_CERT_FILE) name a file of "
    "certificates, or unset it.",
    "proxy-unusable": "Set the proxy variable to the proxy's address, as in https_proxy=http://host:port, "
    "or unset it.",
    "proxy-refused": "Ask whoever runs the proxy to let it through, or use another network.",
    "gated": "Open {page} in a browser, accept the licence, put your access token into HF_TOKEN, "
    "then run the same command again.",
    "login-needed": "If the repository is yours, put your access token into HF_TOKEN, "
    "then run the same command again.",
    "too-many-requests": "Wait {wait}, then run the same command again: it continues where it stopped.",
    "wrong-hash": "Run the same command again later; until then `sdsetup model list` shows other models.",
    "not-encrypted": "Use an https address (HF_ENDPOINT, or the profile's url).",
    "bad-address": "Mend the address (HF_ENDPOINT, or the profile's url).",
}


def gave_up(
    file: FetchFile, target: Path, failures: Sequence[SourceError], *, kept: int, page: str | None
) -> SdsetupError:
    """No source delivered. The first failure gives code and hint, the others stand in the reason."""
    if not failures:
        return SdsetupError(
            Text("There is no address to download {name} from", name=file.name),
            where=target,
            code="no-source",
            hint=Text("Add a source to the profile, or give the file with `sdsetup model import FILE`."),
        )
    first = failures[0]
    reasons = "; ".join(dict.fromkeys(f"{failure.source}: {failure.why}" for failure in failures))
    wait = _duration(first.wait)
    hint = Text(_HINTS.get(first.code, _AGAIN), page=page or first.source, wait=wait)
    return SdsetupError(
        Text(
            "{name} could not be downloaded; {kept}", name=file.name, kept=kept_sentence(target, kept, file.size)
        ),
        where=target,
        why=reasons,
        hint=hint,
        code=first.code,
    )


def hint_for(code: str) -> Text | None:
    """What helps against a connection that failed for this reason; None where only time does."""
    if code not in _HINTS or "{" in _HINTS[code]:
        return None
    return Text(_HINTS[code])


def _duration(seconds: float | None) -> Text:
    if not seconds:
        return Text("a while")
    if seconds >= 86_400:
        return Text("a day or more")
    return Text.plural("{count} minute", "{count} minutes", count=round(seconds / 60))


def kept_sentence(target: Path, kept: int, size: int) -> Text:
    if not kept:
        return Text("nothing of it is on the disk yet")
    return Text(
        "{kept} of {size} are kept in {part}", kept=_amount(kept), size=_amount(size), part=target.name + ".part"
    )


def disk_problem(error: OSError, target: Path, *, kept: int, size: int) -> SdsetupError:
    """A failed write, in words."""
    tail = kept_sentence(target, kept, size)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        return SdsetupError(
            Text("The drive is full; {kept}", kept=tail),
            where=target.parent,
            code="disk-full",
            hint=Text(
                "Free {need} there, then run the same command again: it continues.", need=_amount(size - kept)
            ),
        )
    if error.errno == errno.EFBIG:
        return too_large(target, size)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return not_writable(target, error)
    if error.errno == errno.ENAMETOOLONG:
        return SdsetupError(
            Text("The path is too long for this system"),
            where=target,
            code="path-too-long",
            hint=Text("Choose a folder with a shorter path (--dir)."),
        )
    return SdsetupError(
        Text("The drive reports a fault; {kept}", kept=tail),
        where=target,
        why=error.strerror or str(error),
        code="disk-fault",
        hint=Text("Check the drive and its cable, then run the same command again: it continues."),
    )


def no_room(target: Path, *, need: int, free: int, kept: int, size: int) -> SdsetupError:
    return SdsetupError(
        Text("Not enough room: {need} are needed, {free} are free", need=_amount(need), free=_amount(free)),
        where=target.parent,
        why=Text("{kept}", kept=kept_sentence(target, kept, size)),
        code="disk-full",
        hint=Text(
            "Free {more} there or choose another drive (--dir), then run the same command again.",
            more=_amount(max(need - free, 10**6)),
        ),
    )


def too_large(target: Path, size: int) -> SdsetupError:
    return SdsetupError(
        Text("This drive cannot hold a file of {size}", size=_amount(size)),
        where=target,
        why=Text("its file system has a largest file size (FAT32: 4.29 GB), or a limit is set for this account"),
        code="file-too-large-for-drive",
        hint=Text("Choose a folder on a drive with NTFS, exFAT or ext4 (--dir)."),
    )


def not_writable(target: Path, error: OSError) -> SdsetupError:
    return SdsetupError(
        Text("The folder cannot be written"),
        where=target.parent,
        why=error.strerror or str(error),
        code="not-writable",
        hint=Text("Choose another folder (--dir), or give your account the right to write there."),
    )


def in_the_way(target: Path, what: Text) -> SdsetupError:
    return SdsetupError(
        Text("A {what} has the name that the file needs", what=what),
        where=target,
        code="target-in-the-way",
        hint=Text("Rename or remove it, then run the same command again."),
    )


def _amount(count: int) -> Text:
    for unit, step in _UNITS:
        if count >= step:
            return Text(unit, number=rounded(count / step, 2))
    return Text.plural("{count} byte", "{count} bytes", count=count)


_UNITS = ((message("{number} GB"), 10**9), (message("{number} MB"), 10**6), (message("{number} kB"), 10**3))
