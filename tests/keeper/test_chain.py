"""What is asked of a node, and how transactions are numbered, against scripted answers."""

from __future__ import annotations

from typing import Any

import eth_abi
import pytest

from seawall.deployed import CORE
from seawall.keeper.chain import Chain
from seawall.keeper.sender import GasPriceError, SigningSender
from seawall.rpc import Rpc, RpcError
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, WAD

GWEI = 10**9
REGISTRY: dict[str, Any] = {"contracts": dict.fromkeys(CORE, "0xaa"), "markets": {1: {}}}


class ScriptedRpc(Rpc):
    """Refuses logs of more than `blocks` blocks and views of more than `accounts` accounts."""

    def __init__(self, blocks: int = 10**6, accounts: int = 10**6) -> None:
        super().__init__("http://127.0.0.1:1")
        self.max_blocks = blocks
        self.max_accounts = accounts
        self.asked: list[Any] = []

    def call(self, method: str, *params: Any) -> Any:
        assert method == "eth_getLogs"
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first + 1 > self.max_blocks:
            raise RpcError(-32005, "too many blocks")
        self.asked.append((first, last))
        return []

    def view(self, to: str, data: bytes, from_: str | None = None, block: str = "latest") -> bytes:
        (accounts,) = eth_abi.decode(["uint256[]"], data[4:])
        if len(accounts) > self.max_accounts:
            raise RpcError(-32000, "out of gas")
        self.asked.append((len(accounts), block))
        rows = [(1, account, 5) for account in accounts]
        return eth_abi.encode(["(uint256,int256,uint256)[]"], [rows])


class ScriptedPool(Rpc):
    """A node's transaction pool: accepts one nonce after the other."""

    def __init__(self, nonce: int) -> None:
        super().__init__("http://127.0.0.1:1")
        self.nonce = nonce
        self.price = 10 * GWEI

    def call(self, method: str, *params: Any) -> Any:
        if method == "eth_gasPrice":
            return hex(self.price)
        if method == "eth_getTransactionCount":
            return hex(self.nonce)
        nonce = int.from_bytes(bytes.fromhex(params[0][2:]), "big")
        if nonce < self.nonce:
            raise RpcError(-32003, "nonce too low")
        self.nonce = nonce + 1
        return f"0xhash{nonce}"


class RefusingNode(Rpc):
    """Answers the first of its calls and refuses the others with one error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__("http://127.0.0.1:1")
        self._error = {"code": code, "message": message, "data": data}

    def _exchange(self, payload: Any) -> Any:
        answers: list[dict[str, Any]] = [{"id": one["id"], "error": self._error} for one in payload]
        answers[0] = {"id": payload[0]["id"], "result": "0x2a"}
        return answers


def sign(fields: dict[str, Any]) -> bytes:
    return int(fields["nonce"]).to_bytes(4, "big")


def sender(pool: ScriptedPool, max_gas_price: int | None = None) -> SigningSender:
    return SigningSender(pool, "0xkeeper", 31338, sign, max_gas_price)


def chain(rpc: Rpc) -> Chain:
    return Chain(rpc, REGISTRY, keeper_account=1)


def test_events_refused_range_is_halved_without_gaps() -> None:
    rpc = ScriptedRpc(blocks=3)
    chain(rpc).events(1, 10)
    covered = [block for first, last in rpc.asked for block in range(first, last + 1)]
    assert covered == list(range(1, 11))


def test_events_single_block_refused_raises() -> None:
    with pytest.raises(RpcError, match="too many blocks"):
        chain(ScriptedRpc(blocks=0)).events(1, 10)


def test_rows_many_accounts_are_asked_in_parts_at_one_block() -> None:
    rpc = ScriptedRpc()
    rows = chain(rpc).rows(range(1, 451), 16)
    assert rpc.asked == [(200, "0x10"), (200, "0x10"), (50, "0x10")]
    assert [row.account for row in rows] == [row.equity for row in rows] == list(range(1, 451))


def test_rows_refused_part_is_halved_in_order() -> None:
    rows = chain(ScriptedRpc(accounts=30)).rows(range(1, 201), 16)
    assert [row.account for row in rows] == list(range(1, 201))


def test_rows_account_whose_health_reverts_is_left_out() -> None:
    class Poisoned(ScriptedRpc):
        def view(self, to: str, data: bytes, from_: str | None = None, block: str = "") -> bytes:
            (accounts,) = eth_abi.decode(["uint256[]"], data[4:])
            if 7 in accounts:
                raise RpcError(3, "execution reverted")
            return super().view(to, data, from_, block)

    rows = chain(Poisoned()).rows(range(1, 21), 16)
    assert [row.account for row in rows] == [one for one in range(1, 21) if one != 7]


def test_rows_refused_single_account_that_is_no_revert_raises() -> None:
    with pytest.raises(RpcError, match="out of gas"):
        chain(ScriptedRpc(accounts=0)).rows([1, 2], 16)


@pytest.mark.parametrize(
    "code, message, data",
    [
        (3, "execution reverted: margin: below initial", "0x08c379a0"),
        (3, "reverted", None),
        (-32000, "execution reverted", None),
        (-32603, "VM error: Execution Reverted", {"txHash": "0x"}),
        (-32000, "call failed", "0x08c379a0"),
    ],
)
def test_try_views_revert_in_any_words_is_none(code: int, message: str, data: Any) -> None:
    views = RefusingNode(code, message, data).try_views([("0xaa", b""), ("0xaa", b"")])
    assert views == [b"*", None]


@pytest.mark.parametrize(
    "code, message, data",
    [
        (-32000, "header not found", None),
        (-32000, "header not found", "0x"),
        (-32005, "too many requests", "see the plans"),
        (-32005, "too many requests", {"see": "the plans"}),
    ],
)
def test_try_views_other_error_is_raised(code: int, message: str, data: Any) -> None:
    with pytest.raises(RpcError, match=message):
        RefusingNode(code, message, data).try_views([("0xaa", b""), ("0xaa", b"")])


@pytest.mark.parametrize("silent, expected", [(-1, 50), (0, 0), (128, 0)])
def test_token_prices_without_a_usable_price_are_zero(silent: int, expected: int) -> None:
    class Priced(Chain):
        def _prices(self, ids: Any, block: int) -> dict[int, dict[str, int]]:
            words = {0: PRICE.pack(price=WAD), 128: PRICE.pack(price=50 * WAD)}
            found = {one: PRICE.unpack(word) for one, word in words.items()}
            if silent in found:
                found[silent]["half_width"] = MAX_HALF_WIDTH
            return found

    asked = Priced(ScriptedRpc(), REGISTRY, keeper_account=1)
    asked._units[1] = 1
    assert asked._token_prices([1], 16) == {1: expected * WAD}


def test_send_numbers_without_asking_again() -> None:
    pool = ScriptedPool(nonce=5)
    one = sender(pool)
    assert [one.send("0xto", b"", 1).nonce for _ in range(3)] == [5, 6, 7]


def test_send_nonce_used_elsewhere_is_asked_again() -> None:
    pool = ScriptedPool(nonce=5)
    one = sender(pool)
    one.send("0xto", b"", 1)
    pool.nonce = 9
    assert one.send("0xto", b"", 1).nonce == 9


def test_send_pays_a_quarter_above_the_proposal_up_to_the_maximum() -> None:
    pool = ScriptedPool(nonce=0)
    assert sender(pool).send("0xto", b"", 1).gas_price == 12_500_000_000
    assert sender(pool, 11 * GWEI).send("0xto", b"", 1).gas_price == 11 * GWEI


def test_send_proposal_above_the_maximum_is_refused() -> None:
    with pytest.raises(GasPriceError, match="above"):
        sender(ScriptedPool(nonce=0), 9 * GWEI).send("0xto", b"", 1)


def test_replace_keeps_the_nonce_and_both_hashes() -> None:
    pool = ScriptedPool(nonce=5)
    one = sender(pool)
    sent = one.send("0xto", b"", 1)
    pool.nonce = 5
    again = one.replace(sent)
    assert again is not None
    assert (again.nonce, len(again.hashes)) == (5, 2)
    assert again.gas_price == sent.gas_price * 5 // 4 + 1


def test_replace_above_the_maximum_is_not_sent() -> None:
    pool = ScriptedPool(nonce=5)
    one = sender(pool, 12_500_000_000)
    assert one.replace(one.send("0xto", b"", 1)) is None
