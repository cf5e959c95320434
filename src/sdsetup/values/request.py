"""What the user wants, after options and answers: no question is asked once this exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LauncherKind = Literal["bat", "sh"]


@dataclass(frozen=True, kw_only=True)
class Request:
    dir: str
    model: str | None = None  # None: no model is downloaded
    ref: str | None = None  # a commit, tag or branch of the web UI instead of the pinned one
    launchers: tuple[LauncherKind, ...] = ("bat",)
    full_history: bool = False
    picture: bool = True
    environment: bool = True
    deep: bool = False  # what is there is judged by the content of its files, not only by their sizes
