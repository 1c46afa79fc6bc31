"""Halmos as a library: a world of deployed contracts, calls with symbolic words, all their paths.

Halmos explores compiled EVM code; what it needs from a Solidity toolchain is left out here.
Products and quotients of two symbolic numbers are function symbols while a path is explored, which
admits more behaviour than the machine has, never less.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import z3
from eth_hash.auto import keccak
from halmos.__main__ import mk_block, mk_solver
from halmos.bitvec import HalmosBitVec
from halmos.bytevec import ByteVec
from halmos.calldata import FunctionInfo
from halmos.config import ConfigSource, default_config
from halmos.contract import Contract
from halmos.sevm import EMPTY_BALANCE, SEVM, CallContext, Exec, Message, Path, StorageData
from halmos.utils import EVM, con, con_addr

Word = Any
#: Addresses of deployments, of the account that deploys, and of nobody.
FIRST_ADDRESS = 0xC0DE0001
DEPLOYER = 0xDE9107E4
#: A branch is followed unless the solver refutes it within this time (seconds).
BRANCH_LIMIT = 5.0
#: More turns than any loop of the contracts takes.
LOOP_LIMIT = 300

_OPTIONS = default_config().with_overrides(
    source=ConfigSource.command_line,
    loop=LOOP_LIMIT,
    solver_timeout_branching=BRANCH_LIMIT,
    no_status=True,
    smt_exp_by_const=2,
)


class MachineError(Exception):
    """The exploration is not complete, so nothing is proved; the text says why."""


def symbol(name: str) -> Word:
    """A word that may be anything."""
    return z3.BitVec(name, 256)


def word(number: int) -> Word:
    """A word of a number of either sign."""
    return z3.BitVecVal(number, 256)


def encode(signature: str, *words: int | Word) -> ByteVec:
    """Calldata of a call with words already laid out as the ABI wants them."""
    data = ByteVec(keccak(signature.encode())[:4])
    for item in words:
        data.append(item.to_bytes(32, "big", signed=item < 0) if isinstance(item, int) else item)
    return data


class _Slots(StorageData):
    """Slots by number: what was written, else zero, or anything once `symbolic` is set."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Slots:
        twin = _Slots()
        twin.symbolic, twin._mapping = self.symbolic, self._mapping.copy()
        return twin

    def replace(self, held: Word, value: Word) -> None:
        """Put `value` where the unknown word `held` is."""
        found = [slot for slot, content in self._mapping.items() if z3.eq(content, held)]
        if len(found) != 1:
            raise MachineError(f"{len(found)} slots hold {held}")
        self._mapping[found[0]] = value


class _Storage:
    """Storage whose slots are numbers: every key of a mapping in these proofs is one."""

    @classmethod
    def mk_storagedata(cls) -> _Slots:
        return _Slots()

    @classmethod
    def load(cls, ex: Exec, storage: dict[Any, _Slots], address: Any, location: Word) -> Word:
        slots, slot = storage[address], _number(location)
        if slot not in slots:
            unknown = z3.BitVec(f"slot_{address}_{slot:x}", 256)
            slots[slot] = unknown if slots.symbolic else word(0)
        return slots[slot]

    @classmethod
    def store(
        cls, ex: Exec, storage: dict[Any, _Slots], address: Any, location: Word, value: Word
    ) -> None:
        storage[address][_number(location)] = value


class _Machine(SEVM):
    """Halmos's machine, which sees through products by a bit and divisions that undo a product."""

    def arith(self, ex: Exec, op: int, w1: HalmosBitVec, w2: HalmosBitVec) -> HalmosBitVec:
        if op == EVM.MUL:
            chosen = _by_a_bit(w1.as_z3(), w2.as_z3())
            if chosen is not None:
                return HalmosBitVec(chosen, size=256)
        if op in (EVM.SDIV, EVM.DIV):
            exact = self._undone(ex, w1, w2, signed=op == EVM.SDIV)
            if exact is not None:
                return HalmosBitVec(exact, size=256)
        return super().arith(ex, op, w1, w2)

    def _undone(
        self, ex: Exec, product: HalmosBitVec, divisor: HalmosBitVec, signed: bool
    ) -> Word | None:
        """The other factor where `product` is c * x, which fits, and c, -c or x is divided out;
        and 0 where it is 0."""
        term, by = z3.simplify(product.as_z3()), z3.simplify(divisor.as_z3())
        if z3.is_bv_value(term) and term.as_long() == 0:
            return term
        if term.decl().kind() != z3.Z3_OP_BMUL or not z3.is_bv_value(term.arg(0)):
            return None
        if term.num_args() != 2:
            return None
        other = term.arg(1)
        factor = term.arg(0).as_signed_long() if signed else term.arg(0).as_long()
        by_constant = z3.is_bv_value(by) and by.as_long() == abs(factor)
        if factor == -(2**255) or not (by_constant or z3.eq(by, other)):
            return None
        limit = (2**255 if signed else 2**256) // abs(factor)
        fits = z3.And(other < limit, other > -limit) if signed else z3.ULT(other, limit)
        if ex.check(z3.Not(fits)) != z3.unsat:
            return None
        if by_constant:
            return other if factor > 0 else z3.simplify(-other)
        return z3.If(other == 0, word(0), word(factor))


def _only_unknown(term: Word) -> Word:
    """The one unknown of a term. Errors: MachineError where there is none."""
    while not z3.is_const(term):
        parts = [part for part in term.children() if not z3.is_bv_value(part)]
        if len(parts) != 1:
            raise MachineError(f"{len(parts)} unknown parts in {term}")
        term = parts[0]
    return term


def _by_a_bit(first: Word, second: Word) -> Word | None:
    """The product where one factor is a choice between 0 and 1: how the compiler writes `max`."""
    for bit, other in ((first, second), (second, first)):
        choice = z3.simplify(bit)
        if choice.decl().kind() == z3.Z3_OP_ITE and all(
            z3.is_bv_value(value) and value.as_long() <= 1 for value in choice.children()[1:]
        ):
            return z3.simplify(z3.If(choice == 1, other, word(0)))
    return None


def _number(location: Word) -> int:
    slot = z3.simplify(location)
    if not z3.is_bv_value(slot):
        raise MachineError(f"a slot that is no number: {slot}")
    return int(slot.as_long())


@dataclass(frozen=True)
class World:
    """Deployed contracts, their storage, and what is known of it (the path conditions)."""

    state: Exec

    @classmethod
    def empty(cls, timestamp: int) -> World:
        """No contracts, a block at a time in Unix seconds."""
        block = mk_block()
        block.timestamp = con(timestamp)
        machine = _machine()
        state = machine.mk_exec(
            code={},
            storage={},
            transient_storage={},
            balance=EMPTY_BALANCE,
            block=block,
            context=CallContext(message=_message(con_addr(0), DEPLOYER, ByteVec())),
            pgm=None,
            path=Path(mk_solver(_OPTIONS)),
        )
        return cls(state)

    @property
    def known(self) -> list[Any]:
        """The conditions under which this world is reached."""
        return list(self.state.path.conditions)

    def deploy(self, creation: bytes, *arguments: int) -> tuple[World, int]:
        """A contract created with word arguments. Errors: MachineError unless on one path."""
        address = FIRST_ADDRESS + len(self.state.code)
        code = creation + b"".join(number.to_bytes(32, "big") for number in arguments)
        target = con_addr(address)
        message = _message(target, DEPLOYER, ByteVec(), scheme=EVM.CREATE)
        world = self._with_code(target, Contract(b""))
        world.state.storage[target] = _machine().mk_storagedata()
        world.state.transient_storage[target] = _machine().mk_storagedata()
        made = _only(world._run(message, Contract(code)))
        return made.world._with_code(target, Contract(made.data)), address

    def forget_storage(self, address: int) -> World:
        """The same world in which every slot of a contract may hold anything."""
        world = self._with_code(con_addr(address), self.state.code[con_addr(address)])
        anything = _Slots()
        anything.symbolic = True
        world.state.storage[con_addr(address)] = anything
        return world

    def pin(self, address: int, held: Word, value: Word) -> World:
        """The same world in which the slot that a read word comes from holds `value`."""
        world = self._with_code(con_addr(address), self.state.code[con_addr(address)])
        slots = copy.deepcopy(world.state.storage[con_addr(address)])
        slots.replace(_only_unknown(held), z3.simplify(value))
        world.state.storage[con_addr(address)] = slots
        return world

    def assume(self, *conditions: Any) -> World:
        """The same world with more known of it."""
        world = self._with_code(con_addr(0), Contract(b""))
        del world.state.code[con_addr(0)]
        for condition in conditions:
            world.state.path.append(condition)
        return world

    def call(self, sender: int, target: int, data: ByteVec) -> list[Outcome]:
        """Every way a call can end. Errors: MachineError where halmos cannot tell."""
        address = con_addr(target)
        return list(self._run(_message(address, sender, data), self.state.code[address]))

    def do(self, sender: int, target: int, data: ByteVec) -> World:
        """The world after a call that must succeed on a single path. Errors: MachineError."""
        return _only(self.call(sender, target, data)).world

    def read(self, target: int, data: ByteVec, words: int = 1) -> tuple[World, list[Word]]:
        """Words that a view returns on its only path, and the world in which it does."""
        outcome = _only(self.call(DEPLOYER, target, data))
        return outcome.world, outcome.words(words)

    def _with_code(self, target: Any, code: Contract) -> World:
        path = Path(mk_solver(_OPTIONS))
        path.extend_path(self.state.path)
        old = self.state
        state = Exec(
            code=old.code | {target: code},
            storage=old.storage.copy(),
            transient_storage=old.transient_storage.copy(),
            balance=old.balance,
            block=old.block,
            context=old.context,
            callback=None,
            pgm=None,
            st=old.st,
            jumpis={},
            path=path,
            alias=old.alias.copy(),
            cnts=old.cnts.copy(),
            sha3s=old.sha3s.copy(),
            storages=old.storages.copy(),
            balances=old.balances.copy(),
        )
        return World(state)

    def _run(self, message: Message, program: Contract) -> Iterable[Outcome]:
        machine = _machine()
        path = Path(mk_solver(_OPTIONS))
        path.extend_path(self.state.path)
        start = self._with_code(message.target, program)
        for end in machine.run_message(start.state, message, path):
            if end.context.is_stuck():
                raise MachineError(f"stuck: {end.context.get_stuck_reason()}")
            output = end.context.output
            yield Outcome(World(end), output.error is None, output.data)
        if machine.logs.bounded_loops:
            raise MachineError("a loop was cut")


@dataclass(frozen=True)
class Outcome:
    """One path of a call: the world at its end, whether it succeeded, what it returned."""

    world: World
    success: bool
    data: ByteVec

    def words(self, count: int) -> list[Word]:
        """The first returned words."""
        return [z3.simplify(_bits(self.data.get_word(32 * index))) for index in range(count)]


def _bits(value: Any) -> Word:
    if isinstance(value, int):
        return word(value)
    if isinstance(value, bytes):
        return word(int.from_bytes(value, "big"))
    return value if z3.is_expr(value) else value.as_z3()


def _only(outcomes: Iterable[Outcome]) -> Outcome:
    found = list(outcomes)
    good = [outcome for outcome in found if outcome.success]
    if len(found) != 1 or len(good) != 1:
        raise MachineError(f"{len(good)} of {len(found)} paths succeed where one should be")
    return good[0]


def _machine() -> _Machine:
    machine = _Machine(_OPTIONS, FunctionInfo("proofs", "proof", "proof()", "00000000"))
    machine.storage_model = _Storage
    return machine


def _message(target: Any, sender: int, data: ByteVec, scheme: int = EVM.CALL) -> Message:
    caller = con_addr(sender)
    return Message(
        target=target, caller=caller, origin=caller, value=con(0), data=data, call_scheme=scheme
    )


def calldata_of_changes(market_id: int, changes: Sequence[Sequence[int | Word]]) -> ByteVec:
    """Calldata of `trade`: changes are (account, size, money, fee, gate)."""
    flat = [item for change in changes for item in change]
    signature = "trade(uint256,(uint256,int256,int256,uint256,uint256)[])"
    return encode(signature, market_id, 64, len(changes), *flat)
