"""What a card's name says: maker, model, form and memory size, however a driver, a list or a person writes it.

Names are compared word by word, never by how alike their letters look: "RTX 3060" and "RTX 3060 Ti" are two
cards, "NVIDIA GeForce RTX 3060 (TM)", "3060" and "rtx3060 12gb" are one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sdsetup.values.facts import Vendor

# Product lines and what they say about the maker. People leave them out: "3060" is enough of a name.
_LINES: dict[str, Vendor] = {
    **dict.fromkeys(("geforce", "quadro", "tesla", "grid", "rtx", "gtx", "gt", "gts", "cmp", "jetson"), "nvidia"),
    **dict.fromkeys(("radeon", "rx", "instinct", "firepro"), "amd"),
    "arc": "intel",
    "apple": "apple",
}
_MAKERS: dict[str, Vendor] = {
    "nvidia": "nvidia",
    "amd": "amd",
    "ati": "amd",
    "intel": "intel",
    **dict.fromkeys(("titan", "nvs", "tegra", "orin", "thor", "xavier"), "nvidia"),
    **dict.fromkeys(("vega", "ryzen"), "amd"),
    **dict.fromkeys(("uhd", "iris"), "intel"),
}
# Words that some writers add and others leave out without meaning another card.
_OPTIONAL = frozenset({*_LINES, "blackwell"})
# What the parts of a list of names share: "Radeon RX Vega 56/64".
_INHERITED = frozenset({*_LINES, *_MAKERS, "pro", "hd"})
# Words that say nothing about which card it is; the makers of boards among them.
_NOISE_WORDS = """
    nvidia amd ati intel r tm c corporation inc ltd graphics gpu series with design generation edition gen card
    video adapter controller display oem refresh founders fe oc lhr d3d12 microsoft innotek nvgpu active asus
    msi gigabyte evga zotac palit gainward pny galax kfa sapphire powercolor xfx asrock colorful manli leadtek mesa
    inno sparkle gunnir maxsun yeston acer predator bifrost gaming trio ventus vanguard inspire suprim armor mech
    rog tuf astral prime proart eagle windforce aorus aero waterforce dual phantom challenger steel legend
    taichi pulse nitro toxic pure merc speedster qick swft red devil hellhound fighter amp trinity twin edge solo
    jetstream gamerock gamingpro ghost verto hybrid aio lc limited collector collectors
"""
_NOISE = frozenset(_NOISE_WORDS.split())
_PHRASES = re.compile(
    r"\(r\)|\(tm\)|\(c\)|[®™©]|\blite hash rate\b|\brev(ision)?\.? ?[0-9a-z]\b|\bengineering sample\b"
    r"|\(?\b\d+[- ]core\b[^)/]*\)?|\bg?ddr\dx?\b|\b[23]x\b|\bmac edition\b|\b\d+th anniversary\b"
    r"|\bcollector's\b|\bgaming [xz]\b|\bx[234](?= oc|$)|\bmerc ?3\d\d\b|\bxlr8\b|\bftw\d(?: ultra)?\b"
    r"|\bkfa2\b|\binno3d\b|\b1-click\b|\brog strix\b|\bgainward phoenix\b"
)
# A line of `lspci` has the name in its last bracket, behind maker and chip; what draws adds a state of its own:
# "NVIDIA Corporation GA106 [GeForce RTX 3060] (rev a1)", "AMD Radeon RX 6800 XT (navi21, LLVM 15.0.7)".
_LISTED = re.compile(r"\[([^][]*\d[^][]*)\](?: \(rev \w+\))?$")
_STATE = re.compile(r"\([^()]*\b(?:llvm|radv|0x[0-9a-f]+|dg2|rev)\b[^()]*\)|/pcie/sse2\b")
# What people write for a word of the makers: Macs for Apple's chips, and Russian letters.
_WRITTEN = {
    r"\bmac ?book(?: (?:pro|air))?\b|\bmac (?:mini|studio|pro)\b|\bimac\b": "apple",
    r"\bртх\b": "rtx",
    r"\bгтх\b": "gtx",
    r"\bрх\b": "rx",
    r"(?<=\d) ?ги?б\b": "gb",
}
_LAPTOP = re.compile(r"\b(laptop|mobile|notebook)\b|\bmax[- ]?q\b(?! workstation)")
_CARRIER = re.compile(r"\b(?:sxm\d?|pci-?e|hbm\d?e?|nvl\d*|dgxs|fhhl|oam|mezz)\b")
_SIZE = re.compile(r"(?:(?<![a-z0-9.,])|(?<=\dti)|(?<=\dxt)|(?<=super))(\d{1,3}(?:[.,]\d{1,2})?)\s*g(?:i?b)?\b")
# "3060 12": a lone small number at the end of a name that has its model's number already.
_BARE_SIZE = re.compile(r"(?<=\d{3})((?: ?(?:ti|super|xt))*) ([234568]|1[0126]|2[04]|32|48)$")
_MIB = re.compile(r"(?<![a-z0-9])(\d{4,6})\s*mi?b\b")
# "A16-2Q", "GRID T4-8Q", "A100-1-5C": a virtual card; "MIG 1g.5gb": a slice.
_VIRTUAL = re.compile(r"(?<=[a-z0-9])-(?:\d{1,2}-)?(\d{1,3})[qcab]\b")
_SLICE = re.compile(r"\bmig\s+\d{1,2}g\.(\d{1,3})gb\S*")
_WORDS = re.compile(r"[a-z]+|\d+")
# Letters that belong to the number after them: P40, MX150, A770, W6800. Others are words by themselves.
_PREFIX_LETTERS = """
    a b d g k l m p r t v w h x e n hx mx mi gp gv gb gh wx s
"""
_PREFIXES = frozenset(_PREFIX_LETTERS.split())
# What may hang on a number without a blank: "4070tisuper", "7900xtx", "5090dv".
_ENDINGS = ("super", "mobile", "laptop", "xtx", "gre", "xt", "ti", "max", "ultra", "pro", "maxq", "le")
# NVIDIA's SUPER cards are written "2070s".
_SUPER_NUMBERS = frozenset(["1650", "1660", "2060", "2070", "2080", "4070", "4080"])


@dataclass(frozen=True, kw_only=True)
class CardName:
    """`words`: what tells the card from others, in order of the alphabet; `optional`: of those, what a writer may
    leave out; `lead`: the words before the number; `sizes`: memory in GiB, as far as the name tells it;
    `carriers`: the board's form (SXM, PCIe)."""

    vendor: Vendor | None
    words: tuple[str, ...]
    lead: tuple[str, ...] = ()
    laptop: bool = False
    sizes: tuple[float, ...] = ()
    carriers: frozenset[str] = frozenset()

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if word not in self.optional) or self.words

    @property
    def optional(self) -> tuple[str, ...]:
        # "W6800" is a Radeon Pro, said or not; without the W, "Pro 560" is another card than "560".
        more = {"pro"} if any(re.match(r"wx?\d", word) for word in self.words) else set()
        less = {"rtx"} if "titan" in self.words else set()
        return tuple(word for word in self.words if word in (_OPTIONAL | more) - less)

    @property
    def number(self) -> str:
        """The model with its digits: "3060" of "RTX 3060 Ti", "a770" of "Arc A770"."""
        return max(self.words, key=lambda word: sum(map(str.isdigit, word)), default="")

    def with_words(self, words: Iterable[str]) -> CardName:
        return replace(self, words=tuple(sorted(words)))


@lru_cache(maxsize=4096)
def parse_name(text: str) -> CardName:
    """A single name; see `alternatives` for lists of names behind strokes."""
    rest = _PHRASES.sub(" ", _as_makers_write(text))
    sizes: list[float] = []

    def size(match: re.Match[str]) -> str:
        sizes.append(float(match[1].replace(",", ".")))
        return " "

    rest = _VIRTUAL.sub(size, _SLICE.sub(size, rest))
    rest = _SIZE.sub(size, rest)
    if not sizes and (bare := _BARE_SIZE.search(rest.strip())):
        sizes.append(float(bare[2]))
        rest = rest.strip().removesuffix(bare[2])
    rest = _MIB.sub(lambda match: _size_in_mib(match, sizes), rest)
    laptop = bool(_LAPTOP.search(rest))
    rest = _LAPTOP.sub(" ", rest)
    carriers = frozenset(match[0].replace("-", "") for match in _CARRIER.finditer(rest))
    rest = _CARRIER.sub(" ", rest)
    words, endings = _split(rest)
    words = [word for word in words if word not in _NOISE]
    lead = tuple(itertools.takewhile(str.isalpha, words))
    vendors = [_LINES.get(word) or _MAKERS.get(word) for word in _plain(rest)]
    vendor = next((vendor for vendor in vendors if vendor), None)
    return CardName(
        vendor=vendor,
        words=tuple(sorted(words)),
        lead=lead if len(lead) < len(words) else (),
        laptop=laptop or endings,
        sizes=tuple(sizes),
        carriers=carriers,
    )


def _as_makers_write(text: str) -> str:
    rest = " ".join(text.lower().replace("_", " ").split())
    listed = _LISTED.search(rest)
    rest = _STATE.sub(" ", listed[1] if listed else rest).strip()
    for written, meant in _WRITTEN.items():
        rest = re.sub(written, meant, rest)
    return rest


def variants(name: CardName) -> tuple[CardName, ...]:
    """What the writer of a name may have meant by it, likeliest first."""
    found = [name]
    if "s" in name.words and (set(name.words) & _SUPER_NUMBERS) and name.vendor in (None, "nvidia"):
        found.append(name.with_words("super" if word == "s" else word for word in name.words))
    if name.laptop and name.vendor == "amd":
        found.insert(0, replace(name.with_words((*name.words, "m")), laptop=False))  # "RX 6600 Mobile"
    if not name.laptop and "m" in name.words and name.vendor in (None, "nvidia"):
        found.append(replace(name.with_words(word for word in name.words if word != "m"), laptop=True))  # "4090m"
    return tuple(found)


@lru_cache(maxsize=2048)
def alternatives(text: str) -> tuple[CardName, ...]:
    """The names in a list such as pci.ids has: "Radeon RX 6700/6700 XT / 6800M" are three. What a part leaves out
    (maker, line) it has from the part before; a part without a number is an addition to that part."""
    parts = [part for part in re.split(r"\s*/\s*", _as_makers_write(text)) if part]
    if len(parts) < 2:
        return (parse_name(text),)
    found: list[CardName] = []
    for part in parts:
        name = parse_name(part)
        before = found[-1] if found else None
        if before is not None and not any(word not in _OPTIONAL for word in name.words):
            found[-1] = replace(
                before,
                laptop=before.laptop or name.laptop,
                sizes=before.sizes + name.sizes,
                carriers=before.carriers | name.carriers,
            )
            continue
        if before is not None and not name.lead:
            lead = tuple(word for word in before.lead if word in _INHERITED)
            name = replace(name.with_words((*name.words, *lead)), lead=lead)
        found.append(replace(name, vendor=name.vendor or (before.vendor if before else None)))
    if "ada" in found[-1].words:  # "RTX 2000 / 2000E Ada": it is meant for all of them
        found = [one.with_words({*one.words, "ada"}) for one in found]
    return tuple(dict.fromkeys(found))


def _size_in_mib(match: re.Match[str], sizes: list[float]) -> str:
    sizes.append(round(int(match[1]) / 1024, 1))
    return " "


def _plain(text: str) -> list[str]:
    found: list[str] = []
    for word in re.findall(r"[a-z]+", text):
        found += _segments(word)
    return found


def _split(text: str) -> tuple[list[str], bool]:
    """The words of a name, and whether an ending said that it is a laptop's card."""
    pieces: list[tuple[str, bool]] = []  # word, and whether it stands right behind the one before
    end = -2
    for match in _WORDS.finditer(text):
        close = match.start() == end
        end = match.end()
        if match[0].isdigit():
            pieces.append((match[0], close))
        else:
            pieces += [(word, close and n == 0) for n, word in enumerate(_segments(match[0]))]
    words: list[str] = []
    laptop = False
    for n, (word, _) in enumerate(pieces):
        follows = pieces[n + 1][0] if n + 1 < len(pieces) else ""
        if word in ("mobile", "laptop", "maxq"):
            laptop = True
        elif word in _PREFIXES and follows.isdigit() and not (word in ("r", "x") and not pieces[n + 1][1]):
            pieces[n + 1] = (word + follows, pieces[n + 1][1])
        else:
            words.append(word)
    return words, laptop


@lru_cache(maxsize=4096)
def _segments(letters: str) -> tuple[str, ...]:
    """ "rtxa" as rtx and a, "tisuper" as ti and super, "dv" as d and v; other words as they are."""
    known = {*_LINES, *_ENDINGS, *_PREFIXES}
    if letters in known or letters in _MAKERS or letters in _NOISE:
        return (letters,)
    for line in sorted((*_LINES, *_MAKERS), key=len, reverse=True):
        rest = letters.removeprefix(line)
        if rest != letters and rest in known:
            return line, rest
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        rest = letters.removeprefix(ending)
        if rest != letters and rest in known:
            return ending, rest
    return ("d", "v") if letters == "dv" else (letters,)
