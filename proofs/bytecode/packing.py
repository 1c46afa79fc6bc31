"""Packed words on the bytecode of `words.vy`: the identity on their range, refused beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import z3

from proofs.bytecode.judge import (
    Creations,
    Plant,
    RefutedError,
    proof,
    require,
    require_possible,
    successes,
)
from proofs.bytecode.machine import DEPLOYER, Outcome, Word, World, encode, symbol, word
from proofs.lemmas.claim import ProofError
from seawall.spec import words as layout
from seawall.spec.words import Field

HARNESS = "WordsHarness"
PACK = "pack(uint256,uint256[9])"
UNPACK = "unpack_many(uint256,uint256[])"
ARGUMENTS = 9
LIMITS_BITS = 88


@dataclass(frozen=True)
class Packer:
    """A packer by its number in the harness and its arguments, most significant first.

    An argument named "unused" is no argument but a gap of zeros; `read` tells whether the readers
    of the same number answer the arguments in the same order.
    """

    kind: int
    fields: tuple[Field, ...]
    read: bool = True

    @property
    def arguments(self) -> list[Field]:
        return [field for field in self.fields if field.name != "unused"]


def _fields(*pairs: tuple[str, int]) -> tuple[Field, ...]:
    return tuple(Field(name, abs(bits), bits < 0) for name, bits in pairs)


def narrow(fields: tuple[Field, ...], name: str) -> tuple[Field, ...]:
    """The same layout where one field takes a single bit and zeros stand above it."""
    made: list[Field] = []
    for field in fields:
        if field.name == name:
            made += [Field("unused", field.bits - 1), Field(name, 1)]
        else:
            made.append(field)
    return tuple(made)


PACKERS = {
    "account": Packer(0, _fields(("cash", -112), ("mode", 8), ("bitmap", 136))),
    "position": Packer(1, layout.POSITION.fields),
    "market": Packer(
        2, _fields(("funding", -96), ("accrued_at", 32), ("rate", -64), ("tail", 64)), read=False
    ),
    "market_tail": Packer(
        3,
        _fields(("unused", 192), ("oi", 30), ("touched", 2), ("long", 16), ("short", 16)),
        read=False,
    ),
    "shares": Packer(4, layout.SHARES.fields),
    "side": Packer(5, layout.SIDE.fields),
    "terms": Packer(6, layout.TERMS.fields),
    "operator": Packer(7, layout.OPERATOR.fields),
    # Both limits come packed already.
    "token": Packer(8, _fields(("asset", 160), ("decimals", 8), ("limits", LIMITS_BITS))),
    "totals": Packer(9, narrow(layout.TOTALS.fields, "impaired")),
    "leg": Packer(10, layout.LEG.fields),
    "ticket": Packer(11, layout.TICKET.fields),
    "price": Packer(14, layout.PRICE.fields),
    "bucket": Packer(23, layout.BUCKET.fields),
}
WORDS = "contracts/modules/words.vy"
PLANTS = [
    Plant(
        "a quote one bit too low",
        HARNESS,
        WORDS,
        "uint256) << 144) >> 112) | epoch",
        "uint256) << 144) >> 113) | epoch",
    ),
    Plant(
        "limits that may reach their neighbour",
        HARNESS,
        WORDS,
        "    assert limits <= U88\n",
        "    assert limits <= U96\n",
    ),
]
READER_PLANTS = [
    Plant(
        "a charge read without its sign",
        HARNESS,
        WORDS,
        "    return convert(convert(word << 96, bytes32), int256) >> 96\n",
        "    return convert(convert((word << 96) >> 96, bytes32), int256)\n",
    )
]


def within(fields: list[Field], arguments: list[Word]) -> z3.BoolRef:
    """Whether arguments are in the range of their fields."""
    return z3.And(*(_fits(one, given) for one, given in zip(fields, arguments, strict=True)))


def _fits(field: Field, argument: Word) -> z3.BoolRef:
    low, high = word(field.lowest), word(field.highest)
    if field.signed:
        return z3.And(argument >= low, argument <= high)
    return z3.ULE(argument, high)


def laid_out(packer: Packer, arguments: list[Word]) -> Word:
    """The word that the layout makes of arguments in range."""
    rest = iter(arguments)
    parts = []
    for field in packer.fields:
        if field.name == "unused":
            parts.append(z3.BitVecVal(0, field.bits))
        else:
            parts.append(z3.Extract(field.bits - 1, 0, next(rest)))
    if left := 256 - sum(field.bits for field in packer.fields):
        parts.append(z3.BitVecVal(0, left))
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]


def judge_outcomes(
    outcomes: list[Outcome], packer: Packer, used: list[Word], fits: z3.BoolRef
) -> int:
    """Success where arguments fit, with the laid-out word, refusal elsewhere; how many paths."""
    for outcome in outcomes:
        if outcome.success:
            laid = outcome.words(1)[0] == laid_out(packer, used)
            require(outcome.world, {"range": fits, "layout": laid})
        else:
            require(outcome.world, {"refusal": z3.Not(fits)})
    return len(outcomes)


def reading(fields: tuple[Field, ...], packed: Word) -> list[Word]:
    """Bits of a word at each field's place, with its sign."""
    expected, shift = [], 256
    for field in fields:
        shift -= field.bits
        part = z3.Extract(shift + field.bits - 1, shift, packed)
        gap = 256 - field.bits
        if field.name != "unused":
            expected.append(z3.SignExt(gap, part) if field.signed else z3.ZeroExt(gap, part))
    return expected


def identity_of(creation: bytes, function: str, arity: int, packers: Mapping[str, Packer]) -> str:
    """Judge every packer of a harness, by its `function` of so many words. Errors: RefutedError."""
    world, harness = World.empty(1).deploy(creation)
    paths = 0
    for packer in packers.values():
        arguments = [symbol(f"x{index}") for index in range(arity)]
        used = arguments[: len(packer.arguments)]
        outcomes = world.call(DEPLOYER, harness, encode(function, packer.kind, *arguments))
        fits = within(packer.arguments, used)
        require_possible(successes(outcomes))
        paths += judge_outcomes(outcomes, packer, used, fits)
    return f"{len(packers)} words, {paths} paths"


@proof(contracts=[HARNESS], planted=PLANTS)
def packers_are_the_identity_on_their_range(creations: Creations) -> str:
    """Each of 14 packers: arguments in range make the laid-out word, one out of range reverts.

    For all 2**256 values of every argument. Layouts are those of `seawall.spec.words`.
    """
    return identity_of(creations[HARNESS], PACK, ARGUMENTS, PACKERS)


@proof(contracts=[HARNESS], planted=READER_PLANTS)
def readers_give_back_each_field(creations: Creations) -> str:
    """Each reader of 12 words: any word's bits at the field's place, with its sign.

    For all 2**256 words. With the packers this makes reading what was packed the identity.
    """
    world, harness = World.empty(1).deploy(creations[HARNESS])
    fields = 0
    for name, packer in PACKERS.items():
        if not packer.read:
            continue
        packed = symbol("packed")
        outcomes = world.call(DEPLOYER, harness, encode(UNPACK, packer.kind, 64, 1, packed))
        expected = reading(packer.fields, packed)
        # The impaired flag is read with the zeros above it.
        if name == "totals":
            expected[-1] = packed & 255
        if name == "token":
            expected += reading(layout.TOKEN.fields, packed)[2:]
        for end in outcomes:
            if not end.success:
                raise RefutedError(f"{name}: a reader reverts")
            answers = end.words(2 + len(expected))[2:]
            goals = {
                f"{name} {i}": a == e
                for i, (a, e) in enumerate(zip(answers, expected, strict=True))
            }
            fields += require(end.world, goals)
    if not fields:
        raise ProofError("nothing was read")
    return f"{fields} field readings"
