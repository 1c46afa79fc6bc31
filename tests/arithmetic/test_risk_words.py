"""`risk_words.vy` against the specification's layout: fields at, inside and outside their ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arithmetic_cases import Packer, Reader
from risk_cases import RISK_PACKERS, RISK_READERS, read

Ask = Callable[[int, Any], list[int | None]]
AskWords = Callable[[int, Any], list[list[int]]]

CONTRACTS = Path(__file__).parents[2] / "contracts"


@pytest.mark.parametrize("packer", RISK_PACKERS, ids=lambda p: p.name)
def test_risk_pack_any_case_equals_layout(ask_risk_pack: Ask, packer: Packer) -> None:
    cases = packer.cases()

    answers = ask_risk_pack(packer.kind, cases)

    assert answers == [packer.pack(case) for case in cases]


@pytest.mark.parametrize("packer", RISK_PACKERS, ids=lambda p: p.name)
def test_risk_pack_cases_leave_every_field(packer: Packer) -> None:
    """Each argument alone is out of range in some case that must revert."""
    for place, field in enumerate(packer.arguments):
        alone = [case for case in packer.cases() if case[place] > field.highest]
        assert len(alone) >= 10
        assert {packer.pack(case) for case in alone} == {None}


@pytest.mark.parametrize("reader", RISK_READERS, ids=lambda r: r.name)
def test_risk_unpack_any_word_equals_layout(ask_risk_unpack: AskWords, reader: Reader) -> None:
    packed = reader.words()

    answers = ask_risk_unpack(reader.kind, packed)

    assert answers == [read(reader, word) for word in packed]


def test_risk_harness_source_names_every_function_of_its_modules() -> None:
    """A function that is added later cannot be forgotten here."""
    harness = (CONTRACTS / "mocks" / "RiskHarness.vy").read_text()
    for module in ("risk_words", "risk_factors"):
        text = (CONTRACTS / "modules" / f"{module}.vy").read_text()
        functions = set(re.findall(r"^def (_\w+)\(", text, re.MULTILINE))

        assert functions == set(re.findall(rf"\b{module}\.(_\w+)\(", harness))
