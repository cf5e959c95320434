"""Bringing a commit into a repository: from the first address that has it, again where a line broke."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.git.program import GitFailedError, GitRunner
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.git")

PAUSES = (2.0, 5.0, 15.0)  # seconds before the second, third and fourth round over the addresses
_FIRST_WORD = 8.0  # seconds; a server that has the commit says within this that it counts objects

_ANSWER = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\trefs/\S+")
_LONGEST = 200  # letters of git's words on the screen; all of them are in the log
_LOCAL = ("disk-full", "path-too-long", "folder-not-writable", "folder-of-another-user")


@dataclass(frozen=True, kw_only=True)
class WantedCommit:
    """`ref`: a tag or branch through which a shallow fetch may ask for the commit; None asks by its id.
    `full_history`: every commit instead of the one. `branch`: a local branch to stand on that follows origin's
    branch of that name, so that `git pull` works; None leaves HEAD detached, as the web UI's own installer does.
    """

    commit: str
    ref: str | None = None
    full_history: bool = False
    branch: str | None = None


def from_first(
    urls: Sequence[str],
    attempt: Callable[[str, float | None], None],
    context: Context,
    pauses: Sequence[float],
) -> str:
    """Call `attempt` with one address after another until one works; that address.

    First every address has one try, and a short time to say something where there are others; then, after each of
    the pauses, those that may answer another time are tried again. So an address that is dead costs seconds, and a
    bad line does not end the work.

    Args:
        attempt: is given the address, and after how many seconds of silence it counts as dead (None: as usual).

    Raises:
        SdsetupError: with the cause of the last failure as its code.
    """
    failures: dict[str, GitFailedError] = {}
    waiting = list(urls)
    for pause in (None, *pauses):
        if pause is not None:
            if not waiting:
                break
            _rest(pause, waiting, failures, context)
        for url in tuple(waiting):
            try:
                attempt(url, _FIRST_WORD if pause is None and len(urls) > 1 else None)
                return url
            except GitFailedError as failed:
                failures.pop(url, None)
                failures[url] = failed  # the last to fail stands last
                if failed.cause.code in _LOCAL:
                    raise _error(failures) from failed  # another address would meet the same
                if not failed.cause.again:
                    waiting.remove(url)
                if url != urls[-1]:
                    context.note(
                        Text(
                            "Not available at {url} ({why}). Trying the next address.",
                            url=url,
                            why=failed.cause.why,
                        )
                    )
    raise _error(failures)


def _rest(pause: float, waiting: Sequence[str], failures: Mapping[str, GitFailedError], context: Context) -> None:
    context.note(
        Text(
            "{host}: {why}. Trying again in {pause:.0f} s.",
            host=urlsplit(waiting[0]).hostname or waiting[0],
            why=failures[waiting[0]].cause.why,
            pause=pause,
        )
    )
    time.sleep(pause)


def fetch(run: GitRunner, source: str, wanted: WantedCommit) -> None:
    """Fetch the commit from a remote's name or an address, with as little of its history as wanted.

    Raises:
        GitFailedError: `commit-gone` where the server has it not, and whatever else git met.
    """
    try:
        _fetch_shallow(run, source, wanted) if not wanted.full_history else _fetch_all(run, source)
    except GitFailedError as failed:
        if failed.cause.code != "commit-gone" or wanted.full_history:
            raise
        # An old server gives no single commit by its id: then everything, and the commit is among it.
        _fetch_all(run, source)


def resolve(urls: Sequence[str], ref: str, folder: Path, context: Context) -> str | None:
    """The commit of a tag or branch, asked at the first address that answers; None where it has neither.

    `folder`: a repository of ours to ask from.

    Raises:
        SdsetupError: with the cause of the last address that failed as its code.
    """
    said: list[str] = []

    def asked(url: str, first_word: float | None) -> None:
        run = GitRunner(context, folder, urlsplit(url).hostname or url, existing=True, first_word=first_word)
        said[:] = run(
            "ls-remote", url, f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"
        ).splitlines()

    from_first(urls, asked, context, PAUSES)
    found = {
        name: commit for commit, _, name in (line.partition("\t") for line in said if _ANSWER.fullmatch(line))
    }
    names = (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}")
    return next((found[name] for name in names if name in found), None)


def _fetch_all(run: GitRunner, source: str) -> None:
    run("fetch", "--progress", "--tags", source, "+refs/heads/*:refs/remotes/origin/*")


def _fetch_shallow(run: GitRunner, source: str, wanted: WantedCommit) -> None:
    places = [("refs/tags/", "refs/tags/"), ("refs/heads/", "refs/remotes/origin/")] if wanted.ref else []
    for theirs, ours in places:
        here = f"{ours}{wanted.ref}"
        try:
            run("fetch", "--progress", "--no-tags", "--depth", "1", source, f"+{theirs}{wanted.ref}:{here}")
        except GitFailedError as failed:
            if failed.cause.code != "commit-gone":
                raise
            continue
        if run("rev-parse", f"{here}^{{commit}}") == wanted.commit:
            return
        run("update-ref", "-d", here)  # the tag or branch stands elsewhere today: the commit counts
    run("fetch", "--progress", "--no-tags", "--depth", "1", source, wanted.commit)


def _error(failures: Mapping[str, GitFailedError]) -> SdsetupError:
    if not failures:
        return SdsetupError(
            Text("No address is known for this repository"),
            code="repository-gone",
            hint=Text("Add one to webui.toml in a folder of your own, and pass that folder with --profiles."),
        )
    last = list(failures.values())[-1]
    for url, failed in failures.items():
        _log.error("%s: %s", url, failed)
    return SdsetupError(
        Text("The repository could not be downloaded"),
        where=", ".join(failures),
        why=Text("{why} (Git: {said})", why=last.cause.why, said=_short(str(last))),
        hint=last.cause.hint,
        code=last.cause.code,
    )


def _short(said: str) -> str:
    """git's own words without the address that stands beside them anyway."""
    words = re.sub(r"(fatal|error): |unable to access '[^']*': ", "", said).strip()
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
