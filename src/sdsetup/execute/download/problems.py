"""What a failed download says: which case it was, what is kept, and how to go on."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.download.options import SourceError
from sdsetup.text import Text, message, rounded
from sdsetup.values.plan import FetchFile

_AGAIN = Text("Run the same command again. It continues where it stopped.")

# What helps, by the code of a failed source. What is not here is helped by trying again later.
_HINTS: dict[str, Text] = {
    "captive-portal": Text(
        "Open any page in a browser and sign in to this network, then run the same command again."
    ),
    "no-such-host": Text("Check your internet connection (and DNS settings), then run the same command again."),
    "connection-refused": Text(
        "Check your internet connection, firewall, and proxy, then run the same command again."
    ),
    "connect-timeout": Text(
        "Check your internet connection, firewall, and proxy, then run the same command again."
    ),
    "proxy-login-needed": Text(
        "Add your user name and password to the proxy address "
        "(https_proxy=http://name:password@host:port), then run the same command again."
    ),
    "certificate-not-trusted": Text(
        "An antivirus or a company network may inspect encrypted traffic. Set "
        "REQUESTS_CA_BUNDLE to its certificate file, then run the same command again."
    ),
    "certificate-dates": Text("Set the correct date and time on this PC, then run the same command again."),
    "certificates-unreadable": Text(
        "Set REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE, SSL_CERT_FILE) to a certificate file, or unset it."
    ),
    "proxy-unusable": Text(
        "Set the proxy environment variable to the proxy's address, such as "
        "https_proxy=http://host:port, or unset it."
    ),
    "proxy-refused": Text("Ask your network administrator to allow this address, or use another network."),
    "login-needed": Text(
        "If the repository is yours, set HF_TOKEN to your access token, then run the same command again."
    ),
    "wrong-hash": Text("Try again later, or choose another model: sdsetup model list"),
    "not-encrypted": Text("Use an https address (HF_ENDPOINT, or the profile's url)."),
    "bad-address": Text("Correct the address (HF_ENDPOINT, or the profile's url)."),
}


def gave_up(
    file: FetchFile, target: Path, failures: Sequence[SourceError], *, kept: int, page: str | None
) -> SdsetupError:
    """No source delivered. The first failure gives code and hint, the others stand in the reason."""
    if not failures:
        return SdsetupError(
            Text("No download address for {name}", name=file.name),
            where=target,
            code="no-source",
            hint=Text("Download the file in a browser, then run: sdsetup model import FILE"),
        )
    first = failures[0]
    reasons = "; ".join(dict.fromkeys(f"{failure.source}: {failure.why}" for failure in failures))
    hint = _HINTS.get(first.code, _AGAIN)
    if first.code == "gated":
        hint = Text(
            "Open {page} in a browser and accept the license. Then set HF_TOKEN to your access token and run "
            "the same command again.",
            page=page or first.source,
        )
    elif first.code == "too-many-requests":
        hint = Text(
            "Wait {wait}, then run the same command again. It continues where it stopped.",
            wait=_duration(first.wait),
        )
    return SdsetupError(
        Text(
            "{name} could not be downloaded ({kept})", name=file.name, kept=kept_sentence(target, kept, file.size)
        ),
        where=target,
        why=reasons,
        hint=hint,
        code=first.code,
    )


def hint_for(code: str) -> Text | None:
    """What helps against a connection that failed for this reason; None where only time does."""
    return _HINTS.get(code)


def _duration(seconds: float | None) -> Text:
    if not seconds:
        return Text("a while")
    if seconds >= 86_400:
        return Text("a day or more")
    return Text.plural("{count} minute", "{count} minutes", count=round(seconds / 60))


def kept_sentence(target: Path, kept: int, size: int) -> Text:
    if not kept:
        return Text("nothing has been downloaded yet")
    return Text(
        "{kept} of {size} is kept in {part}", kept=_amount(kept), size=_amount(size), part=target.name + ".part"
    )


def disk_problem(error: OSError, target: Path, *, kept: int, size: int) -> SdsetupError:
    """A failed write, in words."""
    tail = kept_sentence(target, kept, size)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        return SdsetupError(
            Text("The disk is full ({kept})", kept=tail),
            where=target.parent,
            code="disk-full",
            hint=Text(
                "Free up {need} there, then run the same command again. It continues where it stopped.",
                need=_amount(size - kept),
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
        Text("The drive reports an error ({kept})", kept=tail),
        where=target,
        why=error.strerror or str(error),
        code="disk-fault",
        hint=Text(
            "Check the drive and its cable, then run the same command again. It continues where it stopped."
        ),
    )


def no_room(target: Path, *, need: int, free: int, kept: int, size: int) -> SdsetupError:
    return SdsetupError(
        Text("Not enough disk space: {need} needed, {free} free", need=_amount(need), free=_amount(free)),
        where=target.parent,
        why=Text("{kept}", kept=kept_sentence(target, kept, size)),
        code="disk-full",
        hint=Text(
            "Free up {more} there or choose another drive (--dir), then run the same command again.",
            more=_amount(max(need - free, 10**6)),
        ),
    )


def too_large(target: Path, size: int) -> SdsetupError:
    return SdsetupError(
        Text("This drive can't store a file of {size}", size=_amount(size)),
        where=target,
        why=Text("the file system limits the file size (FAT32: 4.29 GB), or your account has a limit"),
        code="file-too-large-for-drive",
        hint=Text("Choose a folder on a drive with NTFS, exFAT, or ext4 (--dir)."),
    )


def not_writable(target: Path, error: OSError) -> SdsetupError:
    return SdsetupError(
        Text("Can't write to the folder"),
        where=target.parent,
        why=error.strerror or str(error),
        code="not-writable",
        hint=Text("Choose another folder (--dir), or give your account write access to this one."),
    )


def in_the_way(target: Path, *, folder: bool) -> SdsetupError:
    return SdsetupError(
        Text("A folder with this name is in the way") if folder else Text("A file with this name is in the way"),
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
