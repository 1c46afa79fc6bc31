"""What every instruction of a transaction cost, from the node's trace.

A call's own cost is what it spent beyond the callee's instructions, so that the costs of all
instructions, the base share and the refund add up to the receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.rpc import GAS_LIMIT, Rpc

CALLS = ("CALL", "STATICCALL", "DELEGATECALL", "CALLCODE", "CREATE", "CREATE2")
_TRACER = {"disableMemory": True, "disableStorage": True, "enableReturnData": False}


@dataclass
class Step:
    """One instruction: where, what, its gas without that of a callee; `slot` of a storage access.

    `frame` numbers the calls of a transaction in the order they begin, `code` is the address whose
    code runs, `parent` the index of the calling instruction, -1 in the outermost call.
    """

    frame: int
    code: str
    parent: int
    pc: int
    op: str
    gas: int
    slot: int


def trace(rpc: Rpc, sender: str, to: str, data: bytes) -> tuple[list[Step], int]:
    """Every instruction that a transaction would run now, and the gas it would use, refund off.

    It sees the latest block's time: exact for a transaction that shares it, and for one whose
    course does not hang on a second.
    """
    message = {
        "from": sender, "to": to, "data": "0x" + data.hex(),
        "gas": hex(GAS_LIMIT), "gasPrice": hex(rpc.gas_price),
    }  # fmt: skip
    answer = rpc.call("debug_traceCall", message, "latest", _TRACER)
    return _Reader(answer["structLogs"], to.lower()).read(), int(answer["gas"])


class _Reader:
    """Walks the log once; open calls stand on a stack."""

    def __init__(self, logs: list[dict[str, Any]], to: str) -> None:
        self._logs = logs
        self._frames: list[tuple[int, str, int]] = [(0, to, -1)]
        self._count = 1
        self.steps: list[Step] = []

    def read(self) -> list[Step]:
        """All steps, with gas."""
        for index, log in enumerate(self._logs):
            self._enter(index, log)
            frame, code, parent = self._frames[-1]
            self.steps.append(Step(frame, code, parent, log["pc"], log["op"], 0, _slot(log)))
        self._price()
        return self.steps

    def _enter(self, index: int, log: dict[str, Any]) -> None:
        depth = log["depth"]
        while len(self._frames) > depth:
            self._frames.pop()
        if depth > len(self._frames):
            caller = self._logs[index - 1]
            self._frames.append((self._count, _callee(caller), index - 1))
            self._count += 1

    def _price(self) -> None:
        last: dict[int, int] = {}
        # Gas that callees of an instruction spent, by its index.
        inside: dict[int, int] = {}
        for index in range(len(self.steps) - 1, -1, -1):
            step, log = self.steps[index], self._logs[index]
            following = last.get(step.frame)
            if following is None:
                spent = log["gasCost"]
            else:
                spent = log["gas"] - self._logs[following]["gas"]
            step.gas = spent - inside.pop(index, 0)
            last[step.frame] = index
            if step.parent >= 0:
                inside[step.parent] = inside.get(step.parent, 0) + spent


def _callee(log: dict[str, Any]) -> str:
    if not log["op"].endswith(("CALL", "CALLCODE")):
        return "(creation)"
    return "0x" + f"{int(log['stack'][-2], 16):040x}"


def _slot(log: dict[str, Any]) -> int:
    return int(log["stack"][-1], 16) if log["op"] in ("SLOAD", "SSTORE") else -1
