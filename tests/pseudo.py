"""A language of accented letters, a third longer than English: what of a screen it leaves plain is no message."""

from __future__ import annotations

import re

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ACCENTED = "àƀćďēƒĝĥĩĵķļɱńōƥɋŕšţũṽŵẋŷžÀƁĆĎĒƑĜĤĨĴĶĻṀŃŌƤɊŔŠŢŨṼŴẊŶŽ"
_TABLE = str.maketrans(_PLAIN, _ACCENTED)
# What stays as it is in every language: values, commands, options, addresses, names in capitals with underscores.
_KEPT = re.compile(r"(\{[^}]*\}|`[^`]*`|--?[a-z][\w-]*|https?://\S+|sdsetup [a-z-]+|[A-Z]+_[A-Z_]+)")


class Pseudo:
    """Takes the place of a catalogue."""

    def gettext(self, message: str, /) -> str:
        parts = _KEPT.split(message)
        said = "".join(part if n % 2 else part.translate(_TABLE) for n, part in enumerate(parts))
        return said if message == "1.5" or len(message) < 4 else said + "·" * (len(message) // 3)

    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)
