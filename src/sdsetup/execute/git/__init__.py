"""Git, as every step uses it: pinned commits, no questions, whole or not at all."""

from sdsetup.execute.git.clone import Checkout, clone_at
from sdsetup.execute.git.fetching import WantedCommit, resolve
from sdsetup.execute.git.program import ask, commit_of, environment, find, refuse_foreign, whole_at
from sdsetup.execute.git.repair import repair_head, repair_index

__all__ = [
    "Checkout",
    "WantedCommit",
    "ask",
    "clone_at",
    "commit_of",
    "environment",
    "find",
    "refuse_foreign",
    "repair_head",
    "repair_index",
    "resolve",
    "whole_at",
]
