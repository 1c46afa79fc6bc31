"""`words.vy` against the specification's layout: every field at, inside and outside its ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arithmetic_cases import (
    BIT_KIND,
    BITMAP_KIND,
    FLOAT_KIND,
    FUNCTIONS,
    FUNDING_AT_KIND,
    HAS_KIND,
    MATH_CASES,
    OWNER_KIND,
    PACKERS,
    READERS,
    VAULT_FUNCTIONS,
    Packer,
    Reader,
    bitmaps,
    float_cases,
    float_words,
    funding_times,
)

from seawall.spec.words import MARKET, account_id, float30_up, float30_value, ids_of

Ask = Callable[[int, Any], list[int | None]]
AskWords = Callable[[int, Any], list[list[int]]]

CONTRACTS = Path(__file__).parents[2] / "contracts"
LEAST_CASES = 30_000


@pytest.mark.parametrize("packer", PACKERS, ids=lambda p: p.name)
def test_pack_any_case_equals_layout(ask_pack: Ask, packer: Packer) -> None:
    cases = packer.cases()

    answers = ask_pack(packer.kind, cases)

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

    expected = []
    for bitmap in packed:
        lowest = ids_of(bitmap)[0]
        highest = bitmap.bit_length() - 1
        expected.append([lowest, bitmap.bit_count(), bitmap ^ 1 << lowest, highest])
    assert [answer[:4] for answer in answers] == expected


def test_bit_any_position_is_a_power_of_two(ask_pack: Ask) -> None:
    positions = [(position,) for position in range(256)]

    assert ask_pack(BIT_KIND, positions) == [1 << position for (position,) in positions]


def test_has_any_position_tells_the_set_bits(ask_pack: Ask) -> None:
    cases = [(bitmap, position % 256) for position, bitmap in enumerate(bitmaps())]

    answers = ask_pack(HAS_KIND, cases)

    assert answers == [int(position in ids_of(bitmap)) for bitmap, position in cases]
    assert 100 < sum(answer or 0 for answer in answers) < len(answers) - 100


def test_market_funding_at_any_time_equals_layout(ask_pack: Ask) -> None:
    cases = funding_times()
    expected: list[int | None] = []
    for word, time in cases:
        market = MARKET.unpack(word)
        elapsed = time - market["accrued_at"]
        funding = market["funding"] + market["rate"] * elapsed
        expected.append(funding % 2**256 if elapsed >= 0 else None)

    answers = ask_pack(FUNDING_AT_KIND, cases)

    assert answers == expected
    assert 100 < expected.count(None) < len(expected) - 100


def test_owner_any_account_is_its_high_bits(ask_unpack: AskWords) -> None:
    accounts = bitmaps()

    answers = ask_unpack(OWNER_KIND, accounts)

    owners = [account // 2**96 for account in accounts]
    assert [answer[:2] for answer in answers] == [[owner, account_id(owner)] for owner in owners]


@pytest.mark.parametrize("module", ["words", "bits"])
def test_harness_source_names_every_function_of_the_module(module: str) -> None:
    text = (CONTRACTS / "modules" / f"{module}.vy").read_text()
    harness = (CONTRACTS / "mocks" / "WordsHarness.vy").read_text()

    functions = set(re.findall(r"^def (_\w+)\(", text, re.MULTILINE))

    assert functions == set(re.findall(rf"\b{module}\.(_\w+)\(", harness))


def test_cases_of_all_harnesses_are_many() -> None:
    packs = sum(len(packer.cases()) for packer in PACKERS)
    reads = sum(len(reader.words()) for reader in READERS)
    numbers = len(float_cases()) + len(float_words()) + 3 * len(bitmaps())
    maths = MATH_CASES * (len(FUNCTIONS) + len(VAULT_FUNCTIONS))

    assert packs + reads + numbers + maths >= LEAST_CASES
