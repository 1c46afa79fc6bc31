"""What a transaction's gas is made of: by kind of instruction and by contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.errors import BenchError
from bench.measure import Measured
from bench.tracing import CALLS, Step

BASE, STORAGE, CALLING, LOGGING, COMPUTING, REFUND = KINDS = (
    "base", "storage", "calls", "logs", "computation", "refund",
)  # fmt: skip
#: Whose code runs in a transaction that is no project contract: feeds and tokens.
OTHERS = "others"

_STORAGE_OPS = ("SLOAD", "SSTORE", "TLOAD", "TSTORE")


@dataclass(frozen=True)
class Breakdown:
    """Gas by kind and by contract. The kinds add up to the receipt: all but the refund, minus it.

    `base` is 21,000 and calldata, `calls` what calls of contracts and precompiles cost beyond the
    callee's code, `computation` the rest, memory and hashing included.
    """

    kinds: Mapping[str, int]
    contracts: Mapping[str, int]


def break_down(measured: Measured) -> Breakdown:
    """Of a transaction that was traced. Errors: BenchError."""
    kinds = _kinds(measured.steps) | {BASE: measured.base}
    refund = sum(kinds.values()) - measured.gas
    # At most a fifth of the gas spent is given back (EIP-3529).
    if not 0 <= refund <= sum(kinds.values()) // 5:
        raise BenchError(f"{measured.figure.name}: the trace does not add up to the receipt")
    kinds[REFUND] = refund
    names = measured.stand.names
    contracts: Counter[str] = Counter()
    for step in measured.steps:
        contracts[names.get(step.code, OTHERS)] += step.gas
    return Breakdown(kinds, dict(contracts))


def _kinds(steps: Iterable[Step]) -> dict[str, int]:
    found = dict.fromkeys(KINDS, 0)
    for step in steps:
        found[_kind(step.op)] += step.gas
    return found


def _kind(op: str) -> str:
    if op in _STORAGE_OPS:
        return STORAGE
    if op in CALLS:
        return CALLING
    return LOGGING if op.startswith("LOG") else COMPUTING
