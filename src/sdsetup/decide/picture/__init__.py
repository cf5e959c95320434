"""The test image: is it one, and what to try when it is not."""

from sdsetup.decide.picture.attempts import Attempt, FlagChange, Proof, changed_flags, next_change, proof_of
from sdsetup.decide.picture.pixels import Pixels, PngError, decode_png, judge
from sdsetup.decide.picture.run import as_arguments, proof_arguments

__all__ = [
    "Attempt",
    "FlagChange",
    "Pixels",
    "PngError",
    "Proof",
    "as_arguments",
    "changed_flags",
    "decode_png",
    "judge",
    "next_change",
    "proof_arguments",
    "proof_of",
]
