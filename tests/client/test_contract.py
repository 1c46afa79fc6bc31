"""Calldata, return data and logs against the generic coder of eth_abi."""

from __future__ import annotations

from pathlib import Path

import eth_abi
import pytest
from eth_utils import keccak

from seawall.client import Contract, ContractError, load_abi

ADDRESS = "0x00000000000000000000000000000000000000aa"


@pytest.fixture(scope="module")
def lens_contract() -> Contract:
    return Contract(ADDRESS, load_abi("Lens"))


@pytest.fixture(scope="module")
def house() -> Contract:
    return Contract(ADDRESS, load_abi("Clearinghouse"))


def test_load_abi_unknown_contract_says_what_to_run() -> None:
    with pytest.raises(ContractError, match="NoSuch is not compiled: run make compile"):
        load_abi("NoSuch")


def test_load_abi_nothing_compiled_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is missing: run make compile"):
        load_abi("Lens", tmp_path)


def test_encode_array_is_selector_and_generic_encoding(lens_contract: Contract) -> None:
    expected = keccak(text="health_many(uint256[])")[:4] + eth_abi.encode(["uint256[]"], [[5, 7]])
    assert lens_contract.encode("health_many", [5, 7]) == expected


def test_encode_structs_is_selector_and_generic_encoding(house: Contract) -> None:
    kinds = ["uint256", "(uint256,int256,int256,uint256,uint256)[]"]
    values = (1, [(2, -3, 4, 5, 6)])
    selector = keccak(text=f"trade({','.join(kinds)})")[:4]
    assert house.encode("trade", *values) == selector + eth_abi.encode(kinds, values)


def test_encode_no_arguments_is_the_selector(house: Contract) -> None:
    assert house.encode("totals") == keccak(text="totals()")[:4]


def test_decode_no_outputs_is_empty(house: Contract) -> None:
    assert house.decode("settle", b"") == ()


def test_encode_wrong_number_of_arguments_names_the_right_one(house: Contract) -> None:
    with pytest.raises(ContractError, match="deposit takes 3 arguments, not 1"):
        house.encode("deposit", 1)


def test_encode_value_out_of_range_names_the_function(house: Contract) -> None:
    with pytest.raises(ContractError, match="account_word"):
        house.encode("account_word", -1)


def test_encode_unknown_function_is_refused(house: Contract) -> None:
    with pytest.raises(ContractError, match="no function mint"):
        house.encode("mint", 1)


def test_decode_single_output_is_a_value(lens_contract: Contract) -> None:
    assert lens_contract.decode("size_of", eth_abi.encode(["int256"], [-9])) == -9


def test_decode_struct_array_is_tuples(lens_contract: Contract) -> None:
    rows = ((4, -5, 6), (1, 2, 3))
    data = eth_abi.encode(["(uint256,int256,uint256)[]"], [rows])
    assert lens_contract.decode("health_many", data) == rows


def test_decode_several_outputs_is_a_tuple(house: Contract) -> None:
    data = eth_abi.encode(["uint256", "int256", "uint256"], [1, -2, 3])
    assert house.decode("totals", data) == (1, -2, 3)


def test_decode_short_data_is_refused(house: Contract) -> None:
    with pytest.raises(ContractError, match="totals returned 3 bytes"):
        house.decode("totals", b"abc")


def test_event_reads_indexed_and_plain_fields(house: Contract) -> None:
    log = {
        "address": ADDRESS,
        "topics": [house.topic("PositionChanged"), f"0x{7:064x}", f"0x{2:064x}"],
        "data": "0x" + eth_abi.encode(["int256"] * 3 + ["uint256"], [-1, -2, 3, 4]).hex(),
    }
    fields = {"account": 7, "market_id": 2, "size": -1, "quote": -2, "realised": 3, "fee": 4}
    assert house.event(log) == ("PositionChanged", fields)


def test_event_of_another_contract_is_refused(house: Contract) -> None:
    log = {"address": ADDRESS, "topics": ["0x" + "11" * 32], "data": "0x"}
    with pytest.raises(ContractError, match="not in the ABI"):
        house.event(log)


def test_events_keeps_one_name_of_one_address(house: Contract) -> None:
    topics = [house.topic("PositionChanged"), f"0x{7:064x}", f"0x{2:064x}"]
    data = "0x" + bytes(128).hex()
    ours = {"address": ADDRESS.upper().replace("0X", "0x"), "topics": topics, "data": data}
    elsewhere = ours | {"address": "0x" + "bb" * 20}
    other_event = ours | {"topics": ["0x" + "11" * 32]}
    assert len(house.events([ours, elsewhere, other_event], "PositionChanged")) == 1
