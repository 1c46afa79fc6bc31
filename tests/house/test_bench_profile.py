"""The profiler: every unit of gas is put somewhere, and in the right function."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.code_map import DISPATCH, code_map
from bench.profile import Profile, Profiler
from bench.tracing import Step, trace
from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.node import Node
from seawall.rpc import Rpc, succeeded

GAS_FOR_ONE = 200_000
TRANSACTION_GAS = 21_000


@pytest.fixture(scope="module")
def rpc() -> Iterator[Rpc]:
    with Node() as node:
        yield node.rpc()


def deployed(rpc: Rpc, name: str, *args: object) -> Contract:
    receipt = rpc.send(rpc.accounts()[0], None, creation(name, *args))
    return Contract(str(receipt["contractAddress"]), load_abi(name))


@pytest.fixture(scope="module")
def traced_token(rpc: Rpc) -> Contract:
    return deployed(rpc, "Token", "Plain", "PLN", 18)


@pytest.fixture(scope="module")
def caller(rpc: Rpc) -> Contract:
    """Calls others."""
    return deployed(rpc, "GasCaller")


@pytest.fixture(scope="module")
def minting(rpc: Rpc, traced_token: Contract, caller: Contract) -> bytes:
    """Calldata that makes one contract call another, which writes storage and a log."""
    mint = traced_token.encode("mint", rpc.accounts()[1], 5)
    return caller.encode("call_with", traced_token.address, mint, GAS_FOR_ONE)


@pytest.fixture(scope="module")
def steps(rpc: Rpc, minting: bytes, caller: Contract) -> list[Step]:
    return trace(rpc, rpc.accounts()[0], caller.address, minting)[0]


@pytest.fixture(scope="module")
def profile(steps: list[Step], traced_token: Contract, caller: Contract) -> Profile:
    names = {traced_token.address.lower(): "Token", caller.address.lower(): "GasCaller"}
    return Profiler(names).run(steps)


def test_trace_gas_adds_up_to_the_receipt(rpc: Rpc, minting: bytes, caller: Contract) -> None:
    kept = rpc.snapshot()
    steps, foreseen = trace(rpc, rpc.accounts()[0], caller.address, minting)
    receipt = rpc.send(rpc.accounts()[0], caller.address, minting)
    rpc.revert(kept)
    assert succeeded(receipt)
    calldata = sum(16 if byte else 4 for byte in minting)
    spent = sum(step.gas for step in steps)
    assert spent + TRANSACTION_GAS + calldata == foreseen == int(receipt["gasUsed"], 16)


def test_trace_names_the_contract_whose_code_runs(
    steps: list[Step], traced_token: Contract, caller: Contract
) -> None:
    frames = {step.frame: step.code for step in steps}
    assert frames == {0: caller.address.lower(), 1: traced_token.address.lower()}


def test_profile_counts_internal_functions_where_they_run(profile: Profile) -> None:
    mint = profile.functions["Token: erc20._mint"]
    assert (mint.calls, mint.cold_loads, mint.stores) == (1, 2, 2)
    assert mint.inclusive >= mint.own > mint.storage > 2 * 20_000


def test_profile_inclusive_gas_of_a_caller_holds_the_callees(profile: Profile) -> None:
    calling = profile.functions["GasCaller: GasCaller.call_with"]
    inner = sum(one.own for name, one in profile.functions.items() if name.startswith("Token"))
    assert inner > 40_000
    assert calling.inclusive == calling.own + inner
    # What the call costs beyond the callee: an address that was cold.
    assert calling.outward >= 2_600


def test_profile_own_gas_is_the_same_by_function_contract_and_line(profile: Profile) -> None:
    by_function = sum(one.own for one in profile.functions.values())
    assert by_function == sum(one.own for one in profile.contracts.values())
    assert by_function == sum(profile.lines.values())


@pytest.mark.parametrize("name", ("Exchange", "GasCaller"))
def test_code_map_sections_begin_with_the_dispatch_and_ascend(name: str) -> None:
    found = code_map(name)
    assert found.names[0] == DISPATCH
    assert found.starts == sorted(set(found.starts))
    assert found.entries <= set(found.starts)


def test_code_map_names_every_kind_of_function() -> None:
    names = set(code_map("Exchange").names)
    assert {"Exchange.match", "Exchange._terms", "order_hash._digest"} <= names
    assert "ownable_2step.transfer_ownership" in names
