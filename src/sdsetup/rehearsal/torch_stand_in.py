"""The text of a stand-in torch: just enough for the proof to go through its real motions in a practice run.

The text is written into a wheel of a few lines; nothing here is ever imported by sdsetup itself.
"""

from __future__ import annotations


def torch_module(version: str, card: str | None) -> str:
    """`__init__.py` of the stand-in. `card`: the name it pretends to calculate on, None for the processor."""
    return _TEXT.replace("{VERSION}", version).replace("{CARD}", repr(card))


_TEXT = '''"""Stand-in of a practice run. It calculates nothing."""

__version__ = "{VERSION}"
CARD = {CARD}
float16, float32 = "float16", "float32"


class Tensor:
    def to(self, *_what):
        return self

    def reshape(self, *_shape):
        return self

    def float(self):
        return self

    def any(self):
        return False

    def sum(self):
        return 1.0

    def __matmul__(self, _other):
        return self

    def __truediv__(self, _other):
        return self

    T = property(lambda self: self)


class version:
    cuda = "12.1" if CARD else None
    hip = None


class cuda:
    is_available = staticmethod(lambda: CARD is not None)
    get_device_name = staticmethod(lambda _n=0: CARD)
    get_device_capability = staticmethod(lambda _n=0: None)
    get_arch_list = staticmethod(lambda: [])
    mem_get_info = staticmethod(lambda: (0, 0))


class backends:
    class mps:
        is_available = staticmethod(lambda: CARD is not None)


class nn:
    class functional:
        conv2d = staticmethod(lambda picture, _kernel, padding=0: picture)


def manual_seed(_seed):
    pass


def rand(*_shape, dtype=None):
    return Tensor()


def isnan(_tensor):
    return _tensor
'''
