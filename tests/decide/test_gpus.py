"""Finding cards by name: as drivers report them, as shops write them, as people type them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.tuning_tables import gpus
from sdsetup.decide.tuning.card_lookup import architecture_of, find, identify, match, memory_gib, with_names
from sdsetup.values.facts import Gpu, Vendor


@pytest.mark.parametrize(
    ("reported", "entry"),
    [
        ("NVIDIA GeForce RTX 3060", "GeForce RTX 3060"),
        ("GeForce GTX 1660", "GeForce GTX 1660"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", "GeForce RTX 3060 Laptop GPU"),
        ("NVIDIA GeForce GTX 1650 with Max-Q Design", "GeForce GTX 1650"),
        ("NVIDIA GeForce RTX 2070 Laptop GPU", "GeForce RTX 2070"),
        ("NVIDIA GeForce GTX 1060 6GB", "GeForce GTX 1060 6GB"),
        ("Tesla P40", "Tesla P40"),
        ("NVIDIA Tesla P40", "Tesla P40"),
        ("Tesla V100-SXM2-16GB", "Tesla V100-SXM2"),
        ("Tesla M40 24GB", "Tesla M40"),
        ("NVIDIA T1000 8GB", "T1000 8GB"),
        ("NVIDIA T1000", "T1000"),
        ("Quadro T1000", "Quadro T1000"),
        ("NVIDIA TITAN X (Pascal)", "TITAN X Pascal"),
        ("NVIDIA A100-PCIE-40GB", "A100-PCIE-40GB"),
        ("AMD Radeon RX 6700 XT", "Radeon RX 6700 XT"),
        ("Radeon RX 580 Series", "Radeon RX 580"),
        ("Quadro RTX A4000", "RTX A4000"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM4-80GB"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "A100-SXM4-40GB"),
        ("GRID T4-8Q", "Tesla T4"),
        ("NVIDIA RTXA6000-12Q", "RTX A6000"),
        ("Tesla P100-PCIE-16GB", "Tesla P100-PCIE"),
        ("Orin (nvgpu)", "Orin"),
        ("GeForce RTX 3060 Lite Hash Rate", "GeForce RTX 3060"),
        ("GeForce RTX 4070 Max-Q / Mobile", "GeForce RTX 4070 Laptop GPU"),
        ("NVIDIA GeForce RTX 2080 Super with Max-Q Design", "GeForce RTX 2080 SUPER"),
        ("Radeon (TM) RX 480 Graphics", "Radeon RX 480"),
        ("AMD Radeon RX 6600 Mobile", "Radeon RX 6600M"),
        ("AMD Radeon(TM) RX Vega 11 Graphics", "Radeon Vega 8 Graphics"),
        ("NVIDIA Graphics Device", None),
        ("Intel(R) Arc(TM) A770 Graphics", "Arc A770"),
        ("Intel(R) UHD Graphics 630", "UHD Graphics 630"),
        ("Apple M2", "Apple M2"),
        ("Microsoft Basic Display Adapter", None),
        ("AMD Radeon RX Series", None),
        ("AMD Radeon (TM) RX Graphics", None),
        ("AMD Radeon RX 5700 XT 50th Anniversary", "Radeon RX 5700 XT"),
        ("NVIDIA TITAN Xp COLLECTORS EDITION", "TITAN Xp"),
        ("Quadro 4000", "Quadro 4000"),
        ("Quadro RTX 4000", "Quadro RTX 4000"),
        ("GRID V100D-16Q", "Tesla V100-PCIE"),
        ("GRID V100DX-8C", "Tesla V100-SXM2"),
        ("GRID A100DX-40C", "A100-SXM4-80GB"),
        ("GRID A100D-1-10C", "A100 80GB PCIe"),
        ("GRID RTX8000P-8Q", "Quadro RTX 8000"),
        ("NVIDIA H100XM-40C", "H100 80GB HBM3"),
        ("NVIDIA RTX6000-Ada-48Q", "RTX 6000 Ada Generation"),
        ("NVIDIA RTX Pro 6000 Blackwell DC-24Q", "RTX PRO 6000 Blackwell Server Edition"),
        ("NVIDIA GeForce RTX 3060/PCIe/SSE2", "GeForce RTX 3060"),
        ("AMD Radeon RX 6800 XT (navi21, LLVM 15.0.7, DRM 3.49, 6.1.0)", "Radeon RX 6800 XT"),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", "Radeon RX 7900 XTX"),
        ("Mesa Intel(R) Arc(tm) A770 Graphics (DG2)", "Arc A770"),
        ("NVIDIA Corporation GA106 [GeForce RTX 3060 Lite Hash Rate] (rev a1)", "GeForce RTX 3060"),
        ("NVIDIA Corporation AD104M [GeForce RTX 4080 Max-Q / Mobile]", "GeForce RTX 4080 Laptop GPU"),
        ("01:00.0 3D controller: NVIDIA Corporation GP108M [GeForce MX150] (rev a1)", "GeForce MX150"),
        ("Intel Corporation DG2 [Arc A770] (rev 08)", "Arc A770"),
        ("", None),
        (None, None),
    ],
)
def test_names_that_drivers_report(reported: str | None, entry: str | None) -> None:
    card = find(gpus(), reported)
    assert (card.name if card else None) == entry


@pytest.mark.parametrize(
    ("typed", "cards", "size"),
    [
        ("RTX 5060 Ti", ["GeForce RTX 5060 Ti"], None),
        ("rtx5060ti", ["GeForce RTX 5060 Ti"], None),
        ("5060 ti 16gb", ["GeForce RTX 5060 Ti"], 16),
        ("RTX 3060", ["GeForce RTX 3060"], None),
        ("RTX 3060 12GB", ["GeForce RTX 3060"], 12),
        ("3080 12", ["GeForce RTX 3080"], 12),
        ("RTX 4060Ti-16G", ["GeForce RTX 4060 Ti"], 16),
        ("4070ti", ["GeForce RTX 4070 Ti"], None),
        ("4070tisuper", ["GeForce RTX 4070 Ti SUPER"], None),
        ("2070s", ["GeForce RTX 2070 SUPER"], None),
        ("RTX 3060 Mobile", ["GeForce RTX 3060 Laptop GPU"], None),
        ("4090m", ["GeForce RTX 4090 Laptop GPU"], None),
        ("1060 3gb", ["GeForce GTX 1060 3GB"], None),
        ("MSI GeForce RTX 3060 Ventus 2X 12G OC", ["GeForce RTX 3060"], 12),
        ("A100", ["A100-PCIE-40GB", "A100 80GB PCIe", "A100-SXM4-40GB", "A100-SXM4-80GB", "A100-SXM-64GB"], None),
        ("P106", ["P106-090", "P106-100", "P106M"], None),
        ("580", ["GeForce GTX 580", "Radeon RX 580"], None),
        ("DGX Spark", ["GB10"], None),
        ("M5", ["Apple M5"], None),
        ("Vega 8", ["Radeon Vega 8 Graphics"], None),
        ("RTX PRO 6000", ["RTX PRO 6000 Blackwell Workstation Edition"], None),
        ("RTX 4000 Ada SFF", ["RTX 4000 SFF Ada Generation"], None),
        ("GTX 1060 6GB", ["GeForce GTX 1060 6GB"], None),
        ("3060", ["GeForce RTX 3060"], None),
        ("4070 super", ["GeForce RTX 4070 SUPER"], None),
        ("RX 6700XT", ["Radeon RX 6700 XT"], None),
        ("NVIDIA GeForce GTX 1070", ["GeForce GTX 1070"], None),
        ("titan x", ["GeForce GTX TITAN X", "TITAN X Pascal"], None),
        ("p40", ["Tesla P40"], None),
        ("arc a770", ["Arc A770"], None),
        ("m2 pro", ["Apple M2 Pro"], None),
        ("Voodoo 2", [], None),
        ("rtx 3060 12 гб", ["GeForce RTX 3060"], 12),
        ("РХ 580 8ГБ", ["Radeon RX 580"], 8),
        ("видеокарта ртх 4060 ti", ["GeForce RTX 4060 Ti"], None),
        ("MacBook Pro M2", ["Apple M2"], None),
        ("Mac mini M4", ["Apple M4"], None),
        ("M4 Max 40 core", ["Apple M4 Max"], None),
        ("gigabyte rtx 3060 gaming oc 12g", ["GeForce RTX 3060"], 12),
        ("MSI GeForce RTX 3080 GAMING X TRIO 10G", ["GeForce RTX 3080"], 10),
        ("PNY GeForce RTX 4090 24GB XLR8 Gaming VERTO", ["GeForce RTX 4090"], 24),
        ("XFX Speedster MERC 310 AMD Radeon RX 7900 XTX", ["Radeon RX 7900 XTX"], None),
        ("PowerColor Red Devil AMD Radeon RX 6800 XT 16GB", ["Radeon RX 6800 XT"], 16),
        ("EVGA GeForce RTX 3080 Ti FTW3 ULTRA GAMING", ["GeForce RTX 3080 Ti"], None),
        ("KFA2 GeForce RTX 3060 Ti 1-Click OC", ["GeForce RTX 3060 Ti"], None),
        ("INNO3D GeForce RTX 5070 Ti X3", ["GeForce RTX 5070 Ti"], None),
        ("Intel Arc A770 Limited Edition 16GB", ["Arc A770"], 16),
        ("a100 sxm 80gb", ["A100-SXM4-80GB"], None),
        ("A100 PCIe", ["A100-PCIE-40GB", "A100 80GB PCIe"], None),
        ("A800 80GB", ["A800 80GB PCIe", "A800-SXM4-80GB"], 80),
        ("h100 pcie", ["H100 PCIe"], None),
        ("RX 6750 GRE", ["Radeon RX 6750 GRE 10GB", "Radeon RX 6750 GRE 12GB"], None),
        ("RTX PRO 6000 Max-Q", ["RTX PRO 6000 Blackwell Max-Q Workstation Edition"], None),
    ],
)
def test_names_that_people_type(typed: str, cards: list[str], size: float | None) -> None:
    meant = match(gpus(), typed)
    assert [card.name for card in meant.cards] == cards
    assert meant.size_gib == size


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("RTX 5060 Tii", "GeForce RTX 5060 Ti"),
        ("GFX 1080", "GeForce GTX 1080"),
        ("RX 9700 XT", "Radeon RX 9070 XT"),
        ("RTX 3600", "GeForce RTX 3060"),
        ("RTX 4090 Ti", "GeForce RTX 4090"),
    ],
)
def test_a_misspelled_name_suggests(typed: str, suggestion: str) -> None:
    meant = match(gpus(), typed)
    assert meant.cards == () and suggestion in meant.suggestions
    makers = {card.vendor for card in gpus().cards if card.name in meant.suggestions}
    assert len(makers) == 1


@pytest.mark.parametrize(
    ("name", "cards"),
    [
        ("Radeon RX 5600 OEM/5600 XT / 5700/5700 XT", "RX 5600, RX 5600 XT, RX 5700, RX 5700 XT"),
        (
            "Radeon RX 6700/6700 XT/6750 XT / 6800M/6850M XT",
            "RX 6700, RX 6700 XT, RX 6750 XT, RX 6800M, RX 6850M XT",
        ),
        ("Radeon Pro VII/Radeon Instinct MI50 32GB", "Pro VII, Instinct MI50"),
        ("GeForce RTX 3080 12GB / 3080 12GB Lite Hash Rate", "RTX 3080"),
        ("GeForce RTX 3080 Mobile / Max-Q 8GB/16GB", "RTX 3080 Laptop GPU"),
        ("Quadro RTX 6000/8000", "RTX 6000, RTX 8000"),
        ("RTX 2000 / 2000E Ada Generation", "RTX 2000 Ada Generation, RTX 2000E Ada Generation"),
        (
            "Radeon RX 460/560D / Pro 450/455/460/555/555X/560/560X",
            "RX 460, RX 560D, Pro 450, Pro 455, Pro 460, Pro 555, Pro 555X, Pro 560, Pro 560X",
        ),
        ("Arc Pro A40/A50", "Pro A40, Pro A50"),
        (
            "Advanced Micro Devices, Inc. [AMD/ATI] Navi 31 [Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M] (rev c8)",
            "RX 7900 XT, RX 7900 XTX, RX 7900 GRE, RX 7900M",
        ),
    ],
)
def test_one_device_that_has_several_names(name: str, cards: str) -> None:
    """The public list of devices gives every name that is sold with a device, with strokes between them."""
    meant = match(gpus(), name)
    lines = re.compile("^(Radeon|GeForce|Quadro|Arc) ")
    assert {lines.sub("", card.name) for card in meant.cards} == set(cards.split(", "))
    shared = find(gpus(), name)
    assert shared is not None
    assert shared.architecture == meant.cards[0].architecture
    assert shared.vram_gib[0] in {size for card in meant.cards for size in card.vram_gib}


PREFIX: dict[Vendor, tuple[str, ...]] = {
    "nvidia": ("", "NVIDIA ", "nvidia corporation "),
    "amd": ("", "AMD ", "ATI "),
    "intel": ("", "Intel(R) ", "intel "),
    "apple": ("",),
    "other": ("",),
}


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_what_writers_add_never_changes_the_card(data: st.DataObject) -> None:
    """Maker, trade marks, letter case, blanks, "Graphics", or the card's own size."""
    card = data.draw(st.sampled_from(gpus().cards))
    name = data.draw(st.sampled_from(PREFIX[card.vendor])) + card.name
    for old, new in ((" RTX", "(TM) RTX"), ("Radeon ", "Radeon(TM) "), ("Arc ", "Arc(TM) ")):
        if data.draw(st.booleans()):
            name = name.replace(old, new)
    if data.draw(st.booleans()):
        name = name.replace(" ", data.draw(st.sampled_from(["  ", "\t", "\N{NO-BREAK SPACE}"])))
    if len(card.vram_gib) == 1 and "GB" not in name and data.draw(st.booleans()):
        name += data.draw(st.sampled_from([" {:g}GB", " {:g} GB", " {:g}g"])).format(card.vram_gib[0])
    name = data.draw(st.sampled_from([name, name.lower(), name.upper(), f" {name} "]))
    found = find(gpus(), name, card.vendor)
    assert found is not None and found.name == card.name, name


def test_every_cards_own_size_behind_its_name_changes_nothing() -> None:
    for card in gpus().cards:
        if len(card.vram_gib) == 1 and "GB" not in card.name:
            found = find(gpus(), f"{card.name} {card.vram_gib[0]:g}GB", card.vendor)  # 1.25 GB has two decimals
            assert found is not None and found.name == card.name, card.name


@pytest.mark.parametrize("vendor", ["nvidia", "amd", "intel", "apple"])
def test_no_name_of_one_maker_finds_a_card_of_another(vendor: Vendor) -> None:
    for card in gpus().cards:
        if card.vendor != vendor:
            continue
        for name in (card.name, *card.also, f"{PREFIX[vendor][-1]}{card.name}"):
            meant = match(gpus(), PREFIX[vendor][-1] + name)
            assert {one.vendor for one in meant.cards} == {vendor}, name
            for other in {"nvidia", "amd", "intel", "apple"} - {vendor}:
                assert find(gpus(), PREFIX[vendor][-1] + name, other) is None or vendor == "apple", name


def test_people_leave_the_product_line_out() -> None:
    """ "3060", "RTX 3060" and "6700 XT" are names, unless another card has that name too."""
    lines = re.compile(r"^(GeForce|Radeon|Quadro|Tesla|Apple) (RTX |GTX |GT |RX )?")
    names = Counter(lines.sub("", name) for card in gpus().cards for name in (card.name, *card.also))
    for card in gpus().cards:
        short = lines.sub("", card.name)
        if names[short] == 1 and sum(any(map(str.isdigit, word)) for word in short.split()) and len(short) > 2:
            meant = match(gpus(), short)
            assert card in meant.cards, (short, [one.name for one in meant.cards])


def test_every_device_number_finds_its_cards() -> None:
    seen = 0
    for card in gpus().cards:
        for number in card.ids:
            known = identify(gpus(), Gpu(vendor=card.vendor, name=None, pci_id=number))
            assert known.architecture == card.architecture, (card.name, number)
            assert known.compute == card.compute
            assert known.gfx == card.gfx
            named = identify(gpus(), Gpu(vendor=card.vendor, name=card.name, pci_id=number))
            assert named.card is not None and named.card.name == card.name
            seen += 1
    assert seen > 800


@pytest.mark.parametrize(
    ("gpu", "generation"),
    [
        (Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 5055"), "Blackwell"),
        (Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 6090"), None),
        (Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 6090", compute_capability=(12, 0)), "Blackwell"),
        (Gpu(vendor="nvidia", name=None, pci_id="2786"), "Ada Lovelace"),
        (Gpu(vendor="nvidia", name="GeForce GTX 860M", pci_id="119a"), "Kepler"),
        (Gpu(vendor="nvidia", name="GeForce GTX 860M", pci_id="1392"), "Maxwell"),
        (Gpu(vendor="amd", name=None, gfx="gfx1036"), "RDNA 2 APU"),
        (Gpu(vendor="amd", name="Radeon RX 9055 XT"), "RDNA 4"),
        (Gpu(vendor="amd", name="Radeon Graphics", pci_id="1586"), "RDNA 3.5 APU"),
        (Gpu(vendor="amd", name="Radeon R9 200 Series"), "GCN 1"),
        (Gpu(vendor="amd", name="Navi 22"), "RDNA 2"),
        (Gpu(vendor="amd", name="Vega 20"), "Vega 20"),
        (Gpu(vendor="amd", name=None), None),
        (Gpu(vendor="amd", name="AMD Ryzen Embedded V1605B with Radeon Vega Gfx"), "AMD APU"),
        (Gpu(vendor="amd", name="AMD Radeon 7800M Series", pci_id="6830"), "GCN 1"),
        (Gpu(vendor="nvidia", name="NVIDIA GeForce GT 520"), "Fermi"),
        (Gpu(vendor="nvidia", name="GeForce 9800 GT"), "Tesla"),
        (Gpu(vendor="nvidia", name="GeForce GT 730", pci_id="0f02"), "Fermi"),
        (Gpu(vendor="intel", name="Intel(R) Arc(TM) B999 Graphics"), "Battlemage"),
        (Gpu(vendor="intel", name="Intel(R) UHD Graphics 999"), "Intel integrated"),
    ],
)
def test_the_generation_from_any_fact_that_tells_it(gpu: Gpu, generation: str | None) -> None:
    known = identify(gpus(), gpu)
    assert (known.architecture.name if known.architecture else None) == generation


@pytest.mark.parametrize(
    ("device", "name", "sizes"),
    [
        ("7550", "Radeon RX 9070 GRE / Radeon RX 9070 / Radeon RX 9070 XT", (12, 16)),
        ("73df", "Radeon RX 6700 / ... / Radeon RX 6850M XT", (10, 12)),
        ("7590", "Radeon RX 9060 XT / Radeon RX 9050", (8, 16)),
    ],
)
def test_a_device_of_several_cards_is_not_called_one_of_them(
    device: str, name: str, sizes: tuple[float, ...]
) -> None:
    """No driver and no list of names: its number tells the chip, not which card, so not the memory either."""
    (gpu,) = with_names(gpus(), (Gpu(vendor="amd", name=None, pci_id=device, source="sysfs"),))
    assert gpu.name == name
    known = identify(gpus(), gpu)
    assert known.card is not None and known.card.vram_gib == sizes


@pytest.mark.parametrize("generation", ["Vega APU", "RDNA 2 APU", "RDNA 3 APU", "RDNA 3.5 APU"])
@pytest.mark.parametrize("name", [None, "Radeon Vega Series / Radeon Vega Mobile Series", "Phoenix9"])
def test_a_processors_graphics_are_no_card_whatever_the_device_is_called(
    name: str | None, generation: str
) -> None:
    """However large its share of the memory is, and where the kernel tells another kind than the name."""
    kinds = {card.gfx for card in gpus().cards if card.architecture.name == generation and card.gfx}
    for gfx in kinds:
        known = identify(gpus(), Gpu(vendor="amd", name=name, gfx=gfx, vram_bytes=4 * 2**30, source="sysfs"))
        assert "integrated" in known.traits, (name, gfx)


@pytest.mark.parametrize(
    ("name", "mib", "told"),
    [
        ("NVIDIA H200", 143771, 141),
        ("Tesla T4", 15109, 16),
        ("NVIDIA A10", 23028, 24),
        ("NVIDIA GeForce RTX 3080", 10240, 10),
        ("NVIDIA GeForce RTX 3080", 12288, 12),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", 6144, 6),
        ("GRID T4-8Q", 8192, 8),
        ("NVIDIA GeForce RTX 6090", 15109, 15109 / 1024),
    ],
)
def test_a_cards_memory_is_told_as_it_is_sold(name: str, mib: int, told: float) -> None:
    gpu = Gpu(vendor="nvidia", name=name, vram_bytes=mib * 2**20, source="nvml")
    assert memory_gib(gpus(), gpu) == told
    for as_it_is in (replace(gpu, mig=True), replace(gpu, source="what-if")):
        assert memory_gib(gpus(), as_it_is) == mib / 1024
    assert memory_gib(gpus(), replace(gpu, vram_bytes=None)) is None


def test_every_card_is_found_by_its_own_name() -> None:
    for card in gpus().cards:
        assert find(gpus(), card.name, card.vendor) == card
        assert card in match(gpus(), card.name).cards


@pytest.mark.parametrize(
    ("compute", "generation"),
    [((8, 6), "Ampere"), ((8, 9), "Ada Lovelace"), ((7, 5), "Turing"), ((7, 0), "Volta"), ((12, 0), "Blackwell"),
     ((10, 3), "Blackwell"), ((3, 5), "Kepler"), ((2, 1), "Fermi"), ((15, 0), None), (None, None)],
)  # fmt: skip
def test_the_generation_of_a_compute_capability(compute: tuple[int, int] | None, generation: str | None) -> None:
    found = architecture_of(gpus(), compute)
    assert (found.name if found else None) == generation


def test_the_table_is_whole() -> None:
    cards = gpus().cards
    assert len(cards) >= 700
    assert len({card.name for card in cards}) == len(cards)
    for card in cards:
        assert (card.compute is not None) == (card.vendor == "nvidia"), card.name
        assert card.gfx is None or card.vendor == "amd", card.name
        assert card.gfx is not None or card.vendor != "amd" or "integrated" in card.traits, card.name
        assert card.vram_gib or "integrated" in card.traits, card.name
        assert 2009 < card.year < 2027
    # The chips whose half precision is broken, by maker's name of the chip.
    broken = {card.chip for card in cards if "broken-fp16" in card.traits}
    assert broken == {"TU116", "TU117"}
    assert all("broken-fp16" in card.traits for card in cards if card.chip in broken)


@given(st.text(max_size=40))
def test_any_text_may_be_a_name(name: str) -> None:
    find(gpus(), name)
    meant = match(gpus(), name)
    assert not (meant.cards and meant.suggestions)
