"""A small JSON-RPC client for hot loops.

What must send hundreds of transactions a second goes through `Rpc`, which keeps one HTTP connection
and does nothing that was not asked for. Quantities are integers in the unit of the chain (wei, gas,
seconds); addresses are hex strings.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from eth_abi import decode

GAS_LIMIT = 30_000_000
PORTS = {"http": 80, "https": 443}

#: Code of a node's answer to a call that reverts; older nodes use one for everything and say so.
REVERTED = 3
REVERTED_MESSAGE = "execution reverted"

_ERROR_STRING = bytes.fromhex("08c379a0")

Receipt = dict[str, Any]


class RpcError(Exception):
    """An error answered by the node: `code`, `message` and, for a revert, its `data`."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message
        self.data = data

    @property
    def is_revert(self) -> bool:
        """Whether the call reverted: by the code, by what came back, or by the message."""
        if self.code == REVERTED or self.revert_data:
            return True
        return REVERTED_MESSAGE in self.message.lower()

    @property
    def revert_data(self) -> bytes:
        """Bytes the contract reverted with; empty if it gave none or this is no revert."""
        text = self.data if isinstance(self.data, str) else "0x"
        try:
            return bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            # Some nodes put words there.
            return b""

    @property
    def reason(self) -> str:
        """The string of `Error(string)`; empty for a bare revert."""
        data = self.revert_data
        if data[:4] != _ERROR_STRING:
            return ""
        return str(decode(["string"], data[4:])[0])


class Rpc:
    """JSON-RPC over one persistent connection. Not safe to share between threads."""

    def __init__(self, url: str, timeout: float = 60.0, gas_price: int = 0) -> None:
        """Connect lazily to `url`; `gas_price` is in wei per gas and used by `send`."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or parts.hostname is None:
            raise ValueError(f"not an http or https address: {url}")
        self.url = url
        self.gas_price = gas_price
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        port = parts.port or PORTS[parts.scheme]
        self._connection = connect(parts.hostname, port, timeout=timeout)
        self._next_id = 0

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        self._connection.close()

    def _exchange(self, payload: Any) -> Any:
        body = json.dumps(payload).encode()
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            return json.loads(self._connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            # A half-used connection would answer the next request with this one's response.
            self._connection.close()
            raise

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": list(params)}

    def call(self, method: str, *params: Any) -> Any:
        """Result of one method. Errors: RpcError from the node, OSError from the connection."""
        return _result(self._exchange(self._request(method, params)))

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results of independent reads, in the order asked; the first error is raised.

        The node runs the entries of a batch concurrently: a read may miss a write beside it.
        """
        results = self.try_batch(calls)
        for result in results:
            if isinstance(result, RpcError):
                raise result
        return results

    def try_batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The same, with an RpcError in the place of each entry that has none."""
        if not calls:
            return []
        requests = [self._request(method, params) for method, params in calls]
        answers = self._exchange(requests)
        if not isinstance(answers, list):
            return [_result(answers)]
        by_id = {answer["id"]: _result_or_error(answer) for answer in answers}
        return [by_id[request["id"]] for request in requests]

    def view(self, to: str, data: bytes, from_: str | None = None, block: str = "latest") -> bytes:
        """Return data of a read-only call. Errors: RpcError, with `reason` on a revert."""
        return _to_bytes(self.call("eth_call", _message(to, data, from_), block))

    def views(self, calls: Sequence[tuple[str, bytes]], block: str = "latest") -> list[bytes]:
        """Return data of many read-only calls `(to, data)` at one block, in one exchange."""
        answers = self.batch([("eth_call", (_message(to, data), block)) for to, data in calls])
        return [_to_bytes(answer) for answer in answers]

    def try_views(
        self, calls: Sequence[tuple[str, bytes]], block: str = "latest"
    ) -> list[bytes | None]:
        """The same, with None for each call that reverts. Errors: RpcError of another kind."""
        answers = self.try_batch([("eth_call", (_message(to, data), block)) for to, data in calls])
        for answer in answers:
            if isinstance(answer, RpcError) and not answer.is_revert:
                raise answer
        return [None if isinstance(one, RpcError) else _to_bytes(one) for one in answers]

    def submit(self, from_: str, to: str | None, data: bytes, gas: int, value: int = 0) -> str:
        """Hash of a transaction of an unlocked account, not waited for. `to` None deploys."""
        transaction = _message(to, data, from_) | {
            "gas": hex(gas),
            "gasPrice": hex(self.gas_price),
            "value": hex(value),
        }
        return str(self.call("eth_sendTransaction", transaction))

    def wait(self, tx_hash: str, timeout: float = 30.0) -> Receipt:
        """Receipt of a transaction once it is mined. Errors: TimeoutError after `timeout` s."""
        deadline = time.monotonic() + timeout
        pause = 0.0005
        while (receipt := self.call("eth_getTransactionReceipt", tx_hash)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"transaction {tx_hash} is not mined after {timeout} s")
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return dict(receipt)

    def send(
        self, from_: str, to: str | None, data: bytes, gas: int = GAS_LIMIT, value: int = 0
    ) -> Receipt:
        """Receipt of a mined transaction, reverted ones included (`succeeded` tells them apart).

        The receipt is polled for because reads straight after a submission may be stale, and the
        node's own waiting call loses blocks mined right after a snapshot was reverted to.
        """
        return self.wait(self.submit(from_, to, data, gas, value))

    def send_raw(self, signed: bytes) -> Receipt:
        """Receipt of a signed transaction once it is mined."""
        return self.wait(str(self.call("eth_sendRawTransaction", "0x" + signed.hex())))

    def explain(self, receipt: Receipt) -> str:
        """Reason of a reverted transaction: its replay on the parent block; empty if bare.

        Exact where the transaction is the first of its block, as on a node that mines at once.
        """
        sent = self.call("eth_getTransactionByHash", receipt["transactionHash"])
        parent = hex(int(receipt["blockNumber"], 16) - 1)
        message = _message(sent["to"], _to_bytes(sent["input"]), sent["from"])
        try:
            self.call("eth_call", message | {"gas": sent["gas"], "value": sent["value"]}, parent)
        except RpcError as error:
            return error.reason
        return ""

    def accounts(self) -> list[str]:
        """Addresses the node signs for."""
        return list(self.call("eth_accounts"))

    def block_number(self) -> int:
        """Height of the chain."""
        return int(self.call("eth_blockNumber"), 16)

    def timestamp(self) -> int:
        """Time of the latest block, in seconds."""
        return int(self.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def snapshot(self) -> str:
        """Id of the present state; it serves for one `revert`."""
        return str(self.call("evm_snapshot"))

    def revert(self, snapshot_id: str) -> None:
        """Go back to a snapshot. Errors: RpcError if the id is unknown or used up."""
        if not self.call("evm_revert", snapshot_id):
            raise RpcError(-32000, f"unknown snapshot {snapshot_id}")

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks."""
        self.call("anvil_mine", hex(blocks))

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this time, in seconds; it must lie after the latest block's."""
        self.call("evm_setNextBlockTimestamp", hex(timestamp))

    def warp(self, seconds: int) -> None:
        """Mine one block exactly `seconds` after the latest one."""
        self.set_next_timestamp(self.timestamp() + seconds)
        self.mine()

    def set_block_interval(self, seconds: int) -> None:
        """Make every later block exactly `seconds` younger than its parent."""
        self.call("anvil_setBlockTimestampInterval", seconds)

    def set_balance(self, address: str, wei: int) -> None:
        """Set the native balance of an address."""
        self.call("anvil_setBalance", address, hex(wei))

    def impersonate(self, address: str) -> None:
        """Let the node send for an address without its key."""
        self.call("anvil_impersonateAccount", address)


def succeeded(receipt: Receipt) -> bool:
    """Whether a mined transaction did not revert."""
    return int(receipt["status"], 16) == 1


def _result(answer: dict[str, Any]) -> Any:
    result = _result_or_error(answer)
    if isinstance(result, RpcError):
        raise result
    return result


def _result_or_error(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        error = answer["error"]
        return RpcError(error["code"], error["message"], error.get("data"))
    return answer["result"]


def _message(to: str | None, data: bytes, from_: str | None = None) -> dict[str, str]:
    fields = {"data": "0x" + data.hex()}
    if to is not None:
        fields["to"] = to
    if from_ is not None:
        fields["from"] = from_
    return fields


def _to_bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
