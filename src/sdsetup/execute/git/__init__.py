"""Git, as every step uses it: pinned commits, no questions, whole or not at all."""

from sdsetup.execute.git.clone import Checkout, clone_at
from sdsetup.execute.git.program import ask, environment, find, head, whole_at

__all__ = ["Checkout", "ask", "clone_at", "environment", "find", "head", "whole_at"]
