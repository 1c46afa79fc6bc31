"""The shipped Clearinghouse in any state: which words are known, which may be anything.

Everything is read and fixed through the external views, so that no proof depends on a storage slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import z3
from halmos.bytevec import ByteVec

from proofs.bytecode.judge import Creations
from proofs.bytecode.machine import DEPLOYER, Outcome, Word, World, encode, word
from seawall.spec import words as layout

CONTRACTS = ["Token", "FixedOracle", "MarginModel", "Clearinghouse"]
MODULE = 0x30D
FUND_OWNER = 0xF00D
FUND = FUND_OWNER << 96
QUEUE_OWNER = 0xC4E
FIRST, SECOND = 0xA11 << 96, 0xB0B << 96
MARKET = 1
CAP = 10**9
NOW, ACCRUED_AT = 1_700_000_000, 1_600_000_000
ALL_RIGHTS = 63
#: Open interest lies between 2**90 and 2**91 wei of a unit (1.2e9 to 2.5e9 units), sizes below
#: 2**87: its 30-bit float then has one exponent, and paths stay few.
LEAST_SIDE, MOST_SIDE = 2**90 + 2**88, 2**90 + 2**89
SIZE_BITS = 87
CASH_BITS, MONEY_BITS = 105, 100


def within(number: Word, bits: int) -> z3.BoolRef:
    """|number| < 2**bits."""
    return z3.And(number < 2**bits, number > -(2**bits))


def widened(number: Word) -> Word:
    """A signed field as a word."""
    return z3.SignExt(256 - number.size(), number)


def cash_of(account_word: Word) -> Word:
    """The int112 of an account word."""
    return z3.Extract(255, 144, account_word)


def shares_of(position_word: Word) -> Word:
    """The first int112 of a position word."""
    return z3.Extract(255, 144, position_word)


def quote_of(position_word: Word) -> Word:
    """The second int112 of a position word."""
    return z3.Extract(143, 32, position_word)


@dataclass(frozen=True)
class House:
    """A Clearinghouse in a world, and the words that a proof compares."""

    world: World
    address: int

    def read(self, signature: str, *arguments: int, words: int = 1) -> list[Word]:
        """What a view answers on its only path."""
        return self.world.read(self.address, encode(signature, *arguments), words)[1]

    def pinned(
        self, signature: str, arguments: tuple[int, ...], values: Mapping[int, Word]
    ) -> House:
        """The same house where words that a view answers, by place, hold given values."""
        data = encode(signature, *arguments)
        world, answers = self.world.read(self.address, data, max(values) + 1)
        for place, value in values.items():
            world = world.pin(self.address, answers[place], value)
        return House(world, self.address)

    def assume(self, *conditions: z3.BoolRef) -> House:
        """The same house with more known of it."""
        return House(self.world.assume(*conditions), self.address)

    def account(self, account: int) -> Word:
        """An account word."""
        return self.read("account_word(uint256)", account)[0]

    def position(self, account: int) -> Word:
        """A position word in the market."""
        return self.read("position_word(uint256,uint256)", account, MARKET)[0]

    def sides(self) -> tuple[Word, Word]:
        """Long and short shares of the market, 128 bits each."""
        shares = self.read("market_words(uint256)", MARKET, words=2)[1]
        return z3.Extract(255, 128, shares), z3.Extract(127, 0, shares)

    def totals(self) -> list[Word]:
        """Held, book and deferred losses."""
        return self.read("totals()", words=3)

    def after(self, outcome: World) -> House:
        """The same house in a later world."""
        return House(outcome, self.address)

    def send(self, sender: int, data: ByteVec) -> list[Outcome]:
        """Every end of a call."""
        return self.world.call(sender, self.address, data)


def deployed(creations: Creations) -> House:
    """A new Clearinghouse with its token, oracle and margin model; nothing is listed."""
    world = World.empty(NOW)
    name, short = b"Dollar".ljust(32, b"\0"), b"USD".ljust(32, b"\0")
    texts = [6, int.from_bytes(name, "big"), 3, int.from_bytes(short, "big")]
    world, token = world.deploy(creations["Token"], 96, 160, 6, *texts)
    world, oracle = world.deploy(creations["FixedOracle"])
    world, model = world.deploy(creations["MarginModel"], 500_000, 200_000, 0, DEPLOYER)
    arguments = (token, CAP, model, oracle, FUND_OWNER, QUEUE_OWNER, DEPLOYER)
    world, address = world.deploy(creations["Clearinghouse"], *arguments)
    return House(world, address)


def any_state(creations: Creations) -> House:
    """A Clearinghouse whose storage may hold anything, but for the rights of a module."""
    house = deployed(creations)
    house = House(house.world.forget_storage(house.address), house.address)
    return house.pinned("modules(address)", (MODULE,), {0: word(ALL_RIGHTS)})


def with_market(house: House) -> House:
    """One untouched market without funding, in its first epochs, with any sides in range."""
    long, short = z3.BitVec("long", 128), z3.BitVec("short", 128)
    terms = layout.TERMS.pack(oi_cap=2**102, mode=layout.LISTED)
    market = layout.MARKET.pack(accrued_at=ACCRUED_AT)
    values = {0: word(market), 1: z3.Concat(long, short), 2: word(terms)}
    house = house.pinned("market_words(uint256)", (MARKET,), values)
    low, high = z3.BitVecVal(LEAST_SIDE, 128), z3.BitVecVal(MOST_SIDE, 128)
    ranges = [z3.And(z3.UGE(side, low), z3.ULE(side, high)) for side in (long, short)]
    return house.assume(*ranges)


def with_account(house: House, account: int, name: str, holds: bool = False) -> House:
    """An account of any cash, with no legs or with any position in the market."""
    cash = z3.BitVec(f"cash_{name}", 112)
    bitmap = z3.BitVecVal(1 << MARKET if holds else 0, 144)
    house = house.pinned("account_word(uint256)", (account,), {0: z3.Concat(cash, bitmap)})
    house = house.assume(within(widened(cash), CASH_BITS))
    shares, quote = z3.BitVec(f"shares_{name}", 112), z3.BitVec(f"quote_{name}", 112)
    position = z3.Concat(shares, quote, z3.BitVecVal(0, 32)) if holds else word(0)
    house = house.pinned("position_word(uint256,uint256)", (account, MARKET), {0: position})
    if holds:
        size, money = widened(shares), widened(quote)
        house = house.assume(size != 0, within(size, SIZE_BITS), within(money, MONEY_BITS))
    return house


def with_totals(house: House) -> House:
    """Any totals without deferred losses."""
    # Whichever path reads the slot: what it assumes is of a word that is no longer there.
    seen = house.send(DEPLOYER, encode("totals()"))[0]
    held, moved = z3.BitVec("held", 120), z3.BitVec("book", 128)
    value = z3.Concat(held, moved, z3.BitVecVal(0, 8))
    house = House(seen.world.pin(house.address, seen.words(1)[0], value), house.address)
    return house.assume(within(widened(moved), 120), z3.ULT(held, z3.BitVecVal(2**119, 120)))
