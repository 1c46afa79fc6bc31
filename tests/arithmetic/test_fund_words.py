"""`fund_words.vy` against the specification's layout: fields at, inside and outside their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from arithmetic_cases import any_length, dice

from seawall.spec.fund_words import MARKET_USE, USE
from seawall.spec.words import Word

Ask = Callable[[int, Any], list[int | None]]
AskWords = Callable[[Sequence[int]], list[list[int]]]

KINDS = ((0, USE), (1, MARKET_USE))
RANDOM_WORDS = 300


def _cases(word: Word) -> list[tuple[int, ...]]:
    """All fields at their ends, just past them, and far past them."""
    ends = [[0, 1, f.highest - 1, f.highest, f.highest + 1, 2**256 - 1] for f in word.fields]
    return list(product(*ends))


def _packed(word: Word, case: tuple[int, ...]) -> int | None:
    names = [field.name for field in word.fields]
    try:
        return word.pack(**dict(zip(names, case, strict=True)))
    except ValueError:
        return None


@pytest.mark.parametrize("kind, word", KINDS, ids=lambda value: getattr(value, "name", ""))
def test_fund_word_any_fields_pack_as_the_layout(ask_fund_pack: Ask, kind: int, word: Word) -> None:
    cases = _cases(word)
    expected = [_packed(word, case) for case in cases]

    assert ask_fund_pack(kind, cases) == expected
    assert 10 < expected.count(None) < len(expected) - 10


def test_fund_word_any_word_is_read_as_the_layout(ask_fund_unpack: AskWords) -> None:
    rng = dice("fund words")
    packed = [any_length(rng, 256) for _ in range(RANDOM_WORDS)]
    packed += [word for _, layout in KINDS for case in _cases(layout)
               if (word := _packed(layout, case)) is not None]  # fmt: skip

    answers = ask_fund_unpack(packed)

    expected = []
    for word in packed:
        use, market = USE.unpack(word), MARKET_USE.unpack(word)
        expected.append([use["epoch"], use["start"], use["used"], market["used"]])
    assert answers == expected
