"""Which faults are found in a small file, and how they are named."""

from __future__ import annotations

import pytest

from mutation.mutants import evenly, mutants_of
from mutation.operators import Scope
from mutation.source import Source

FILE = "contracts/modules/sample.vy"
TEXT = '''# pragma version ==0.4.3
"""
@notice 1 + 1 in a docstring is no code.
"""

LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
SCALE: constant(int256) = 10**18

total: uint256


@internal
def _add(amount: uint256, fee: uint256):
    """
    @notice amount + fee in a docstring is no code.
    """
    assert amount >= fee, "sample: fee"
    self.total += unsafe_sub(amount, fee)


@internal
@pure
def _side(size: int256) -> uint256:
    return LONG if size > 0 else SHORT


@internal
@pure
def _price_floor(a: uint256, b: uint256, up: bool) -> uint256:
    return a * (b + 3)


@internal
@pure
def _price_ceil(a: uint256, b: uint256, up: bool) -> uint256:
    if up and a != b:
        return self._price_floor(a, b, False)
    return 0
'''


def changed(text: str = TEXT) -> set[tuple[str, str]]:
    """Statement before and after, of every mutant."""
    return {(m.original, m.mutated) for m in mutants_of(Source(FILE, text), Scope({}))}


@pytest.mark.parametrize(
    "original, mutated",
    [
        ("SCALE: constant(int256) = 10**18", "SCALE: constant(int256) = (10**18 - 1)"),
        ("SCALE: constant(int256) = 10**18", "SCALE: constant(int256) = 0"),
        ('assert amount >= fee, "sample: fee"', "pass"),
        ('assert amount >= fee, "sample: fee"', 'assert amount > fee, "sample: fee"'),
        ('assert amount >= fee, "sample: fee"', 'assert amount < fee, "sample: fee"'),
        (
            "self.total += unsafe_sub(amount, fee)",
            "self.total -= unsafe_sub(amount, fee)",
        ),
        ("self.total += unsafe_sub(amount, fee)", "self.total += unsafe_add(amount, fee)"),
        ("self.total += unsafe_sub(amount, fee)", "self.total += unsafe_sub(fee, amount)"),
        ("self.total += unsafe_sub(amount, fee)", "pass"),
        ("return LONG if size > 0 else SHORT", "return SHORT if size > 0 else SHORT"),
        ("return LONG if size > 0 else SHORT", "return SHORT if size > 0 else LONG"),
        ("return LONG if size > 0 else SHORT", "return LONG if size >= 0 else SHORT"),
        ("return LONG if size > 0 else SHORT", "return LONG if size > 1 else SHORT"),
        (
            "return LONG if size > 0 else SHORT",
            "return unsafe_add(LONG if size > 0 else SHORT, 1)",
        ),
        ("return a * (b + 3)", "return a * ((b - 3))"),
        ("return a * (b + 3)", "return a // (b + 3)"),
        ("return a * (b + 3)", "return a * (b + 2)"),
        ("up and a != b", "((up) or (a != b))"),
        ("up and a != b", "not (up and a != b)"),
        ("up and a != b", "up and a == b"),
        ("return self._price_floor(a, b, False)", "return self._price_ceil(a, b, False)"),
        ("return self._price_floor(a, b, False)", "return self._price_floor(b, a, False)"),
        ("return self._price_floor(a, b, False)", "return self._price_floor(a, b, True)"),
    ],
)
def test_mutants_of_sample_has_fault(original: str, mutated: str) -> None:
    assert (original, mutated) in changed()


def test_mutants_of_sample_leaves_texts_types_and_messages_alone() -> None:
    assert not any(
        word in original or word in mutated
        for original, mutated in changed()
        for word in ("docstring", "uint255", "sample: fee2")
    )
    assert all('"sample: fee"' in mutated or mutated == "pass" for _, mutated in _of("assert"))


def _of(start: str) -> set[tuple[str, str]]:
    return {pair for pair in changed() if pair[0].startswith(start)}


def test_mutants_of_sample_differ_from_it_and_each_other() -> None:
    texts = [m.apply(TEXT) for m in mutants_of(Source(FILE, TEXT), Scope({}))]
    assert len(set(texts)) == len(texts) > 40
    assert TEXT not in texts


def test_mutants_of_symmetric_call_keep_the_order_of_arguments() -> None:
    text = TEXT.replace("unsafe_sub(amount, fee)", "unsafe_add(amount, fee)")
    assert not any("unsafe_add(fee, amount)" in mutated for _, mutated in changed(text))


def test_mutants_of_call_of_a_module_meet_its_other_rounding_and_readers() -> None:
    words = Source(
        "contracts/modules/words.vy",
        "def _leg_id(word: uint256) -> uint256:\n    return word\n"
        "def _leg_rate(word: uint256) -> uint256:\n    return word\n"
        "def _leg_size(word: uint256) -> int256:\n    return 0\n",
    )
    text = TEXT.replace("return a * (b + 3)", "return words._leg_id(a)")
    found = mutants_of(Source(FILE, text), Scope({"words": words}))
    assert "return words._leg_rate(a)" in {m.mutated for m in found}
    assert "return words._leg_size(a)" not in {m.mutated for m in found}


def test_mutant_id_inserted_lines_stays() -> None:
    moved = TEXT.replace("total: uint256\n", "# A remark.\n\n\ntotal: uint256\n")
    before = mutants_of(Source(FILE, TEXT), Scope({}))
    after = mutants_of(Source(FILE, moved), Scope({}))
    assert [m.id for m in before] == [m.id for m in after]
    assert [m.line for m in before] != [m.line for m in after]


def test_mutant_id_reformatted_statement_stays() -> None:
    folded = TEXT.replace("unsafe_sub(amount, fee)", "unsafe_sub(  # why\n        amount, fee)")
    loose = {m.id for m in mutants_of(Source(FILE, TEXT), Scope({}))}
    assert {m.id for m in mutants_of(Source(FILE, folded), Scope({})) if m.place == "_side"} < loose


def test_mutant_id_equal_statements_are_numbered() -> None:
    line = "    self.total += unsafe_sub(amount, fee)\n"
    ids = [m.id for m in mutants_of(Source(FILE, TEXT.replace(line, line * 2)), Scope({}))]
    assert len(set(ids)) == len(ids)
    assert any(name.endswith("-2") for name in ids)


def test_evenly_any_beginning_is_spread_over_the_file() -> None:
    mutants = mutants_of(Source(FILE, TEXT), Scope({}))
    order = sorted(mutants, key=lambda m: (m.span.start, m.span.end, m.id))
    places = [order.index(m) for m in evenly(mutants, "seed")[: len(mutants) // 4]]
    gaps = [b - a for a, b in zip(sorted(places), sorted(places)[1:], strict=False)]
    assert max(gaps) <= 8


def test_evenly_another_seed_draws_another_sample() -> None:
    mutants = mutants_of(Source(FILE, TEXT), Scope({}))
    assert evenly(mutants, "one")[:10] != evenly(mutants, "two")[:10]
    assert evenly(mutants, "one") == evenly(list(reversed(mutants)), "one")
