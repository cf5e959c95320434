"""Git, as every step uses it: pinned commits, no questions, whole or not at all."""

from sdsetup.execute.git.clone import Checkout, clone_at
from sdsetup.execute.git.fetching import WantedCommit, resolve
from sdsetup.execute.git.mending import mend_head, mend_index
from sdsetup.execute.git.program import ask, commit_of, environment, find, head, refuse_foreign, whole_at

__all__ = [
    "Checkout",
    "WantedCommit",
    "ask",
    "clone_at",
    "commit_of",
    "environment",
    "find",
    "head",
    "mend_head",
    "mend_index",
    "refuse_foreign",
    "resolve",
    "whole_at",
]
