"""`words.vy` against the specification's layout: every field at, inside and outside its ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arithmetic_cases import (
    BITMAP_KIND,
    FIELD_PACKERS,
    FLOAT_KIND,
    FUNCTIONS,
    MATH_CASES,
    PACKERS,
    READERS,
    VAULT_FUNCTIONS,
    Packer,
    Reader,
    bitmaps,
    float_cases,
    float_words,
)

from seawall.spec.words import float30_up, float30_value, ids_of

Ask = Callable[[int, Any], list[int | None]]
AskWords = Callable[[int, Any], list[list[int]]]

CONTRACTS = Path(__file__).parents[2] / "contracts"
LEAST_CASES = 30_000


@pytest.mark.parametrize("packer", [*PACKERS, *FIELD_PACKERS], ids=lambda p: p.name)
def test_pack_any_case_equals_layout(ask_pack: Ask, packer: Packer) -> None:
    cases = packer.cases()

    answers = ask_pack(packer.kind, [(*case, *packer.constant) for case in cases])

    assert answers == [packer.pack(case) for case in cases]


@pytest.mark.parametrize("packer", PACKERS, ids=lambda p: p.name)
def test_pack_cases_leave_every_field(packer: Packer) -> None:
    """Each narrow argument alone is out of range in some case that must revert."""
    for place, field in enumerate(packer.arguments):
        if field.bits == 256:
            continue
        alone = [
            case
            for case in packer.cases()
            if packer.pack(case) is None and not field.lowest <= case[place] <= field.highest
        ]
        assert len(alone) >= 10


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name)
def test_unpack_any_word_equals_layout(ask_unpack: AskWords, reader: Reader) -> None:
    packed = reader.words()

    answers = ask_unpack(reader.kind, packed)

    assert answers == [reader.read(word) for word in packed]


def test_float30_up_any_number_equals_specification(ask_pack: Ask) -> None:
    cases = float_cases()

    answers = ask_pack(FLOAT_KIND, cases)

    assert answers == [float30_up(n) if n < 2**127 else None for (n,) in cases]


def test_float30_up_any_number_is_the_smallest_not_below() -> None:
    for (number,) in float_cases():
        if not 0 < number < 2**127:
            continue
        word = float30_up(number)
        exponent = word & 127

        assert float30_value(word) >= number
        assert float30_value(word) - number < 1 << exponent
        assert exponent == 0 or word >> 7 >= 1 << 22


def test_float30_value_any_word_equals_specification(ask_unpack: AskWords) -> None:
    packed = float_words()

    answers = ask_unpack(FLOAT_KIND, packed)

    assert [answer[0] for answer in answers] == [float30_value(word) for word in packed]


def test_bitmap_any_word_equals_its_set_bits(ask_unpack: AskWords) -> None:
    packed = bitmaps()

    answers = ask_unpack(BITMAP_KIND, packed)

    assert [answer[:2] for answer in answers] == [
        [ids_of(bitmap)[0], bitmap.bit_count()] for bitmap in packed
    ]


def test_harness_source_names_every_function_of_the_module() -> None:
    module = (CONTRACTS / "modules" / "words.vy").read_text()
    harness = (CONTRACTS / "mocks" / "WordsHarness.vy").read_text()

    functions = set(re.findall(r"^def (_\w+)\(", module, re.MULTILINE))

    assert functions == set(re.findall(r"\bwords\.(_\w+)\(", harness))


def test_cases_of_all_harnesses_are_many() -> None:
    packs = sum(len(packer.cases()) for packer in [*PACKERS, *FIELD_PACKERS])
    reads = sum(len(reader.words()) for reader in READERS)
    numbers = len(float_cases()) + len(float_words()) + len(bitmaps())
    maths = MATH_CASES * (len(FUNCTIONS) + len(VAULT_FUNCTIONS))

    assert packs + reads + numbers + maths >= LEAST_CASES
