"""Cases of the array harnesses: every corner of every argument, and random numbers of every length.

The cases are data made from a fixed seed, so a failure repeats and the number of cases is known.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from seawall.spec import exit_vault, fixed_math, words
from seawall.spec.words import Field, Word

#: Most fields of a word that the harness packs and reads.
WORD_FIELDS = 9
SEED = 20_230_511
BACKGROUNDS = 6
RANDOM_PACKS = 300
RANDOM_WORDS = 300
MATH_CASES = 1000
LOW_64 = 2**64 - 1
LOW_128 = 2**128 - 1
LOW_144 = 2**144 - 1

Case = tuple[int, ...]


def dice(name: str) -> random.Random:
    """One stream of numbers per function, so that a new function moves no other's cases."""
    return random.Random(f"{SEED} {name}")


def any_length(rng: random.Random, bits: int) -> int:
    """An unsigned number of a random length: short, long, all ones or a power of two."""
    length = rng.randint(0, bits)
    return rng.choice(
        [rng.getrandbits(length) if length else 0, (1 << length) - 1, 1 << max(0, length - 1)]
    )


def inside(rng: random.Random, field: Field) -> int:
    """A number that fits the field."""
    number = any_length(rng, field.bits)
    return number + field.lowest if field.signed and rng.random() < 0.5 else number & field.highest


def corners(field: Field) -> list[int]:
    """Both ends of the field, what lies just inside and just outside, and the ends of 256 bits."""
    ends = [field.lowest, field.highest]
    near = [end + step for end in ends for step in (-1, 0, 1)]
    if field.signed:
        return [*near, -1, 0, 1, -(2**255), 2**255 - 1]
    return [*near, 1, 1 << 255, (1 << 256) - 1]


# ------------------------------- words --------------------------


@dataclass(frozen=True)
class Packer:
    """One packer: place in the harness, arguments, the word that it makes of numbers that fit."""

    name: str
    kind: int
    arguments: tuple[Field, ...]
    expected: Callable[..., int | None]

    def pack(self, case: Sequence[int]) -> int | None:
        """The word, or None where the contract must revert."""
        for field, number in zip(self.arguments, case, strict=True):
            if not field.lowest <= _as_argument(field, number) <= field.highest:
                return None
        return self.expected(
            *(_as_argument(field, n) for field, n in zip(self.arguments, case, strict=True))
        )

    def cases(self) -> list[Case]:
        rng = dice(f"pack {self.name}")
        made = [tuple(inside(rng, f) for f in self.arguments) for _ in range(RANDOM_PACKS)]
        made.append(tuple(f.lowest for f in self.arguments))
        made.append(tuple(f.highest for f in self.arguments))
        for place, field in enumerate(self.arguments):
            for corner in corners(field):
                for _ in range(BACKGROUNDS):
                    case = [inside(rng, f) for f in self.arguments]
                    case[place] = corner
                    made.append(tuple(case))
        return made


def _as_argument(field: Field, number: int) -> int:
    """What the contract sees of a number that is sent as 256 bits."""
    bits = number % (1 << 256)
    return bits - (1 << 256) if field.signed and bits >> 255 else bits


def _plain(name: str, kind: int, word: Word, narrower: dict[str, int] | None = None) -> Packer:
    """A packer that takes the word's own fields; `narrower` names those it limits further."""
    limits = narrower or {}
    used = [f for f in word.fields if f.name != "unused"]
    fields = tuple(Field(f.name, limits.get(f.name, f.bits), f.signed) for f in used)

    def expected(*numbers: int) -> int:
        return word.pack(**{f.name: n for f, n in zip(fields, numbers, strict=True)})

    return Packer(name, kind, fields, expected)


def _account(cash: int, mode: int, bitmap: int) -> int:
    return words.ACCOUNT.pack(
        cash=cash, mode=mode, collateral=bitmap >> 128, markets=bitmap & LOW_128
    )


def _token(asset: int, decimals: int, limits: int) -> int:
    return words.TOKEN.pack(
        asset=asset, decimals=decimals, outflow=limits >> 52, cap=limits & (1 << 52) - 1
    )


def _market(funding: int, accrued_at: int, rate: int, tail: int) -> int:
    head = words.MARKET.pack(funding=funding, accrued_at=accrued_at, rate=rate)
    return head | tail


def _market_tail(open_interest: int, touched: int, epoch_long: int, epoch_short: int) -> int:
    return words.MARKET.pack(
        open_interest=open_interest,
        touched_long=touched & 1,
        touched_short=touched >> 1,
        epoch_long=epoch_long,
        epoch_short=epoch_short,
    )


def _field(number: int, bits: int) -> int:
    """Two's complement of a number in `bits` bits."""
    return number & ((1 << bits) - 1)


def _account_with_cash(cash: int, word: int) -> int:
    return (word & LOW_144) | _field(cash, 112) << 144


def _memory(memory: int) -> int | None:
    """A word of nothing but memory; bits of other fields are refused."""
    fields = words.PRICE.unpack(memory)
    if any(fields[name] for name in ("price", "updated_at", "half_width", "refreshed_at")):
        return None
    return memory


PACKERS = [
    Packer(
        "account",
        0,
        (Field("cash", 112, True), Field("mode", 8), Field("bitmap", 136)),
        _account,
    ),
    _plain("position", 1, words.POSITION),
    Packer(
        "market",
        2,
        (
            Field("funding", 96, True),
            Field("accrued_at", 32),
            Field("rate", 64, True),
            Field("tail", 64),
        ),
        _market,
    ),
    Packer(
        "market_tail",
        3,
        (
            Field("open_interest", 30),
            Field("touched", 2),
            Field("epoch_long", 16),
            Field("epoch_short", 16),
        ),
        _market_tail,
    ),
    _plain("shares", 4, words.SHARES),
    _plain("side", 5, words.SIDE),
    _plain("terms", 6, words.TERMS),
    _plain("operator", 7, words.OPERATOR),
    Packer(
        "token",
        8,
        (Field("asset", 160), Field("decimals", 8), Field("limits", 88)),
        _token,
    ),
    _plain("totals", 9, words.TOTALS, {"impaired": 1}),
    _plain("leg", 10, words.LEG),
    _plain("ticket", 11, words.TICKET),
    _plain("price", 14, words.PRICE),
    Packer("price_memory", 22, (Field("memory", 256),), _memory),
    _plain("bucket", 23, words.BUCKET),
    Packer(
        "account_with_cash",
        16,
        (Field("cash", 112, True), Field("word", 256)),
        _account_with_cash,
    ),
]

FLOAT_KIND = 15


def float_cases() -> list[Case]:
    """Powers of two and their neighbours, the ends of the range, numbers of every length."""
    rng = dice("float30")
    near = [(1 << bits) + step for bits in range(129) for step in (-1, 0, 1)]
    rounding = [((1 << 23) - 1 << shift) + step for shift in range(105) for step in (-1, 0, 1)]
    lengths = [rng.getrandbits(bits) for bits in range(1, 128) for _ in range(8)]
    extremes = [2**127 - 1, 2**127, 2**255, 2**256 - 1]
    return [(number,) for number in near + rounding + lengths + extremes]


def float_words() -> list[int]:
    """All exponents under the ends of the mantissa and random ones."""
    rng = dice("float30 words")
    mantissas = [0, 1, 2**22, 2**23 - 1, *(rng.getrandbits(23) for _ in range(4))]
    return [mantissa << 7 | exponent for exponent in range(128) for mantissa in mantissas]


def bitmaps() -> list[int]:
    """Every single bit, every run of ones, and random bitmaps of every density."""
    rng = dice("bitmaps")
    single = [1 << bit for bit in range(256)]
    runs = [(1 << length) - 1 for length in range(1, 257)]
    mixed = [rng.getrandbits(256) & rng.getrandbits(256) << rng.randrange(256) for _ in range(400)]
    return [bitmap % (1 << 256) for bitmap in single + runs + mixed if bitmap % (1 << 256)]


@dataclass(frozen=True)
class Reader:
    """The readers of one word: place in the harness, fields in the order of the readers."""

    name: str
    kind: int
    word: Word
    fields: tuple[str, ...]

    def read(self, word: int) -> list[int]:
        """What the readers say, as 256-bit words padded to the harness's width."""
        values = self.word.unpack(word)
        values["bitmap"] = word & (1 << 136) - 1
        values["limits"] = word & (1 << 88) - 1
        numbers = [values[name] % (1 << 256) for name in self.fields]
        return numbers + [0] * (WORD_FIELDS - len(numbers))

    def words(self) -> list[int]:
        """Each field at both ends between zeros and between ones, and random words."""
        rng = dice(f"read {self.name}")
        made = [0, (1 << 256) - 1, *(rng.getrandbits(256) for _ in range(RANDOM_WORDS))]
        shift = 256
        for field in self.word.fields:
            shift -= field.bits
            mask = ((1 << field.bits) - 1) << shift
            top = 1 << (shift + field.bits - 1)
            made += [mask, top, mask ^ top, ((1 << 256) - 1) ^ mask]
        return made


def _reader(name: str, kind: int, word: Word, *fields: str) -> Reader:
    named = tuple(f.name for f in word.fields if f.name != "unused")
    return Reader(name, kind, word, fields or named)


READERS = [
    _reader("account", 0, words.ACCOUNT, "cash", "mode", "bitmap", "collateral", "markets"),
    _reader("position", 1, words.POSITION),
    _reader(
        "market",
        2,
        words.MARKET,
        "funding",
        "accrued_at",
        "rate",
        "open_interest",
        "touched_long",
        "touched_short",
        "epoch_long",
        "epoch_short",
    ),
    _reader("shares", 4, words.SHARES),
    _reader("side", 5, words.SIDE),
    _reader("terms", 6, words.TERMS),
    _reader("operator", 7, words.OPERATOR),
    _reader("token", 8, words.TOKEN, "asset", "decimals", "limits", "outflow", "cap"),
    _reader("totals", 9, words.TOTALS),
    _reader("leg", 10, words.LEG),
    _reader("ticket", 11, words.TICKET),
    _reader("price", 14, words.PRICE),
    _reader("bucket", 23, words.BUCKET),
]
BITMAP_KIND = 17
OWNER_KIND = 18
BIT_KIND = 19
HAS_KIND = 20
FUNDING_AT_KIND = 21


def funding_times() -> list[Case]:
    """Market words with a time before, at and after their last accrual."""
    rng = dice("funding at")
    made: list[Case] = []
    for word in READERS[2].words():
        accrued_at = words.MARKET.unpack(word)["accrued_at"]
        times = [accrued_at, accrued_at + 1, 2**32 - 1, rng.getrandbits(32)]
        made += [(word, time) for time in [*times, max(0, accrued_at - 1)]]
    return made


# ----------------------------- fixed_math -----------------------


@dataclass(frozen=True)
class Function:
    """One function: place in the harness, number of arguments, sign, specification."""

    name: str
    index: int
    arity: int
    signed: bool
    specification: Callable[..., int]

    def answer(self, case: Sequence[int]) -> int | None:
        """The result as a 256-bit word, or None where the contract must revert."""
        try:
            return self.specification(*case[: self.arity]) % (1 << 256)
        except (ArithmeticError, exit_vault.VaultError):
            return None

    def cases(self) -> list[Case]:
        rng = dice(self.name)
        ends = [0, 1, 2, 10**6, 10**18, 10**27, 2**127, 2**128]
        ends += [2**255 - 1] if self.signed else [2**255, 2**256 - 1]
        signs = (1, -1) if self.signed else (1,)
        edges = [sign * end for end in ends for sign in signs]
        if self.signed:
            edges.append(-(2**255))
        near = [edge + step for edge in edges for step in (-1, 1) if self._fits(edge + step)]
        pairs = [(a, b, rng.choice(edges)) for a in edges for b in edges]
        made = [*pairs, *(_three(near, rng) for _ in range(200))]
        while len(made) < MATH_CASES:
            made.append((self._number(rng), self._number(rng), self._number(rng)))
        return made

    def _fits(self, number: int) -> bool:
        return -(2**255) <= number < 2**255 if self.signed else 0 <= number < 2**256

    def _number(self, rng: random.Random) -> int:
        """Short enough in half of the cases that products fit."""
        number = any_length(rng, rng.choice([40, 90, 127, 255]))
        return -number if self.signed and rng.random() < 0.5 else number


def _three(numbers: Sequence[int], rng: random.Random) -> Case:
    return rng.choice(numbers), rng.choice(numbers), rng.choice(numbers)


def _signed_magnitude(x: int) -> int:
    """The lowest number of 256 bits has no opposite."""
    if x == -(2**255):
        raise OverflowError(x)
    return fixed_math.magnitude(x)


FUNCTIONS = [
    Function("floor_div", 0, 2, True, fixed_math.floor_div),
    Function("ceil_div", 1, 2, True, fixed_math.ceil_div),
    Function("mul_div_floor", 2, 3, True, fixed_math.mul_div_floor),
    Function("mul_div_ceil", 3, 3, True, fixed_math.mul_div_ceil),
    Function("wad_floor", 4, 1, True, fixed_math.wad_floor),
    Function("wad_ceil", 5, 1, True, fixed_math.wad_ceil),
    Function("mul_ray_floor", 6, 2, True, fixed_math.mul_ray_floor),
    Function("mul_ray_ceil", 7, 2, True, fixed_math.mul_ray_ceil),
    Function("magnitude", 8, 1, True, _signed_magnitude),
    Function("abs", 9, 1, True, fixed_math.magnitude),
    Function("mul_div_down", 10, 3, False, fixed_math.mul_div_down),
    Function("mul_div_up", 11, 3, False, fixed_math.mul_div_up),
    Function("ppm_down", 12, 2, False, fixed_math.ppm_down),
    Function("ppm_up", 13, 2, False, fixed_math.ppm_up),
]


# ----------------------------- vault_math -----------------------


def _vault(name: str, index: int, specification: Callable[..., int]) -> Function:
    return Function(name, index, 3, False, specification)


VAULT_FUNCTIONS = [
    _vault("to_shares", 0, exit_vault.to_shares),
    _vault("to_shares_up", 1, partial(exit_vault.to_shares, up=True)),
    _vault("to_assets", 2, exit_vault.to_assets),
    _vault("to_assets_up", 3, partial(exit_vault.to_assets, up=True)),
    _vault("max_assets_in", 4, exit_vault.max_assets_in),
    _vault("max_shares_out", 5, exit_vault.max_shares_out),
]


def vault_cases(name: str) -> list[Case]:
    """Amount, total assets and supply as a vault can have them: assets below 2**112."""
    rng = dice(f"vault {name}")
    assets = [0, 1, 2, 10**6, 10**18, 2**111 - 1, 2**112 - 1]
    supplies = [0, 1, 10**6, 10**24, 2**254, 2**255 - 10**6, 2**255 - 1, 2**255]
    made: list[Case] = [(a, t, s) for a in assets for t in assets for s in supplies]
    while len(made) < MATH_CASES:
        made.append((any_length(rng, 112), any_length(rng, 112), any_length(rng, 255)))
    return made
