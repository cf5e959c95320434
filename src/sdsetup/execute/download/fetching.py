"""One file from its sources to its place, whatever happens in between."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from sdsetup.decide.plan import FetchFile
from sdsetup.execute.context import Context
from sdsetup.execute.download import problems
from sdsetup.execute.download.options import DownloadOptions, Fetched
from sdsetup.execute.download.preflight import check_folder, target_of
from sdsetup.execute.download.transfer import Transfer
from sdsetup.execute.lock import folder_lock
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_READ = 1024 * 1024


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
            return Fetched(path=target, source=str(Text("already there")))
        check_folder(target)
        if options.look_for_copies:
            from sdsetup.execute.download.reuse import use_a_copy

            if (found := use_a_copy(file, target, context, options)) is not None:
                return Fetched(path=target, reused_from=found, source=str(Text("a copy on this computer")))
        try:
            return Transfer(file, target, context, options).run()
        except OSError as error:
            raise problems.disk_problem(error, target, kept=_kept(target), size=file.size) from error


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


def sha256_of(path: Path, context: Context | None = None) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits; the context's progress moves with it.

    Raises:
        OSError: the file cannot be read.
    """
    sha, buffer, done = hashlib.sha256(), memoryview(bytearray(_READ)), 0
    with path.open("rb", buffering=0) as stream:
        total = path.stat().st_size
        while count := stream.readinto(buffer):
            sha.update(buffer[:count])
            done += count
            if context is not None and done % (64 * _READ) < count:
                context.progress(done, total, source=str(Text("checking what is there")))
    return sha.hexdigest()
