"""One file from its sources to its place, whatever happens in between."""

from __future__ import annotations

import logging
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.download import problems, reuse
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.execute.download.options import DownloadOptions, Fetched
from sdsetup.execute.download.part import tidy
from sdsetup.execute.download.preflight import check_folder, target_of
from sdsetup.execute.download.transfer import Transfer
from sdsetup.execute.lock import folder_lock
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile

_log = logging.getLogger("sdsetup.download")


def fetch(file: FetchFile, context: Context, *, options: DownloadOptions | None = None) -> Fetched:
    """Put a pinned file at `context.dir / file.save_as`, proved by size and SHA-256.

    A file that is there already is only checked. A copy elsewhere on this computer is used (hard link
    on the same drive, else copied) before anything is downloaded. Interrupted at any point, the same
    call continues; the target is either absent (or what it was) or right.

    Raises:
        SdsetupError: the case, what is kept, and how to go on. Codes among others: `disk-full`,
            `not-writable`, `file-too-large-for-drive`, `captive-portal`, `no-such-host`,
            `connection-refused`, `certificate-not-trusted`, `gated`, `gone`, `wrong-hash`.
    """
    options = options or DownloadOptions()
    target = target_of(file, context)
    with folder_lock(target, context.cache, waiting=context.note):
        if _is_there(file, target, context):
            tidy(target)
            return Fetched(path=target, source=str(Text("already downloaded")))
        check_folder(target)
        try:
            if (copy := _copy_to_use(file, target, context, options)) is not None:
                return Fetched(path=target, reused_from=copy, source=str(Text("a copy on this PC")))
            return Transfer(file, target, context, options).run()
        except OSError as error:
            raise problems.disk_problem(error, target, kept=_kept(target), size=file.size) from error


def _copy_to_use(file: FetchFile, target: Path, context: Context, options: DownloadOptions) -> Path | None:
    """Put a copy from this computer in place. Returns where it came from, None without one."""
    copy = options.copy
    if copy is None and options.look_for_copies and file.size >= options.smallest_copy:
        copy = reuse.proven_copy(file, target, context)
    try:
        if copy is None or not reuse.place_copy(copy, target, sha256=file.sha256, context=context):
            return None
    except OSError as error:
        # Unreadable, or no room for a second one: the download finds out which, and says so.
        _log.warning("the copy %s could not be used: %s", copy, error)
        return None
    tidy(target)
    return copy


def _kept(target: Path) -> int:
    try:
        return target.with_name(target.name + ".part").stat().st_size
    except OSError:
        return 0


def _is_there(file: FetchFile, target: Path, context: Context) -> bool:
    try:
        if not target.is_file() or target.stat().st_size != file.size:
            return False
        return sha256_of(target, context) == file.sha256
    except OSError as error:
        _log.warning("the existing %s cannot be read: %s", target, error)
        return False
