"""Words of the margin model on bytecode of `risk_words.vy`: what `packing` says of `words.vy`."""

from __future__ import annotations

from proofs.bytecode.judge import (
    Creations,
    Plant,
    RefutedError,
    proof,
    require,
)
from proofs.bytecode.machine import DEPLOYER, World, encode, symbol
from proofs.bytecode.packing import Packer, identity_of, narrow, reading
from seawall.spec import words as layout
from seawall.spec.words import Field

HARNESS = "RiskWordsHarness"
PACK = "pack(uint256,uint256[11])"
READ = "read(uint256,uint256)"
ARGUMENTS = 11
PACKERS = {
    "risk": Packer(0, layout.RISK.fields),
    "earlier": Packer(1, layout.EARLIER.fields),
    "capacity": Packer(2, layout.CAPACITY.fields),
    "weight": Packer(3, layout.WEIGHT.fields),
    "matrix": Packer(4, layout.MATRIX.fields),
    "plan": Packer(5, narrow(layout.PLAN.fields, "usable")),
}
MODULE = "contracts/modules/risk_words.vy"
PLANTS = [
    Plant(
        "a depth one bit too low",
        HARNESS,
        MODULE,
        "(risk.depth << 184)",
        "(risk.depth << 183)",
    ),
    Plant(
        "a factor that may reach its neighbour",
        HARNESS,
        MODULE,
        "    assert matrix.factor <= U24\n",
        "    assert matrix.factor <= U32\n",
    ),
]
READER_PLANTS = [
    Plant(
        "a ramp read with its neighbour",
        HARNESS,
        MODULE,
        "        ramp_start=(word >> 80) & U32,\n",
        "        ramp_start=(word >> 80) & U128,\n",
    )
]


def _read_fields(packer: Packer) -> tuple[Field, ...]:
    """What is read of any word: zeros above the first field are read with it."""
    first, *rest = packer.fields
    if first.name != "unused":
        return packer.fields
    return (Field(rest[0].name, first.bits + rest[0].bits), *rest[1:])


@proof(contracts=[HARNESS], planted=PLANTS)
def risk_packers_are_the_identity_on_their_range(creations: Creations) -> str:
    """Each of 6 packers: arguments in range make the laid-out word, one out of range reverts.

    For all 2**256 values of every argument. Layouts are those of `seawall.spec.words`.
    """
    return identity_of(creations[HARNESS], PACK, ARGUMENTS, PACKERS)


@proof(contracts=[HARNESS], planted=READER_PLANTS)
def risk_readers_give_back_each_field(creations: Creations) -> str:
    """Each reader of 6 words: any word's bits at the field's place.

    For all 2**256 words. With the packers this makes reading what was packed the identity.
    """
    world, harness = World.empty(1).deploy(creations[HARNESS])
    fields = 0
    for name, packer in PACKERS.items():
        packed = symbol("packed")
        expected = reading(_read_fields(packer), packed)
        for end in world.call(DEPLOYER, harness, encode(READ, packer.kind, packed)):
            if not end.success:
                raise RefutedError(f"{name}: a reader reverts")
            answers = end.words(ARGUMENTS)[: len(expected)]
            goals = {
                f"{name} {i}": a == e
                for i, (a, e) in enumerate(zip(answers, expected, strict=True))
            }
            fields += require(end.world, goals)
    return f"{fields} field readings"
