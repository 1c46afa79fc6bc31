"""Cases of the risk harness: corners of every field of a word, of every argument of a factor."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arithmetic_cases import Case, Packer, Reader, dice

from seawall.spec import risk, scenarios, words
from seawall.spec.risk import MAX_INITIAL_RATE, NOTICE, RAMP, Risk
from seawall.spec.words import PPM, Field, Word

WIDTH = 11
RANDOM = 600
BOOKS_A_TAIL = 40
TAILS = (1, 2, 3, 7, 31, 32)
WORDS = [words.RISK, words.EARLIER, words.CAPACITY, words.WEIGHT, words.MATRIX, words.PLAN]
#: What the model calls the functions with, see the module: the bounds that they state.
MOST_NOTIONAL = 2**199 - 1
MOST_INTEREST = 2**184 - 1
MOST_GROSS = 2**163


def _packer(kind: int, word: Word) -> Packer:
    fields = tuple(
        Field(f.name, 1 if f.name == "usable" else f.bits)
        for f in word.fields
        if f.name != "unused"
    )
    names = [field.name for field in fields]
    return Packer(word.name, kind, fields, lambda *n: word.pack(**dict(zip(names, n, strict=True))))


def _reader(kind: int, word: Word) -> Reader:
    return Reader(word.name, kind, word, tuple(f.name for f in word.fields if f.name != "unused"))


RISK_PACKERS = [_packer(kind, word) for kind, word in enumerate(WORDS)]
RISK_READERS = [_reader(kind, word) for kind, word in enumerate(WORDS)]


def read(reader: Reader, word: int) -> list[int]:
    """What the readers say: fields of one word alone in it read all above them."""
    values = reader.word.unpack(word)
    if reader.word in (words.EARLIER, words.CAPACITY):
        # Their first field is read without a mask: nothing is ever stored above it.
        first = reader.fields[0]
        values[first] = word >> sum(field.bits for field in reader.word.fields[2:])
    if reader.word is words.PLAN:
        values["usable"] &= 1
    numbers = [values[name] for name in reader.fields]
    return numbers + [0] * (WIDTH - len(numbers))


# ------------------------------ factors -------------------------


@dataclass(frozen=True)
class Factor:
    """One function: place in the harness, the numbers that its arguments take, specification."""

    name: str
    index: int
    corners: tuple[tuple[int, ...], ...]
    specification: Callable[..., int | tuple[int, int]]

    def answer(self, case: Sequence[int]) -> tuple[int, int]:
        """Both results."""
        found = self.specification(*case)
        return found if isinstance(found, tuple) else (found, 0)

    def cases(self) -> list[Case]:
        """Every combination of corners, and numbers between each argument's lowest and highest."""
        rng = dice(f"risk {self.name}")
        made: list[Case] = list(itertools.product(*self.corners))
        rng.shuffle(made)
        made = made[:4_000]
        while len(made) < 4_000 + RANDOM:
            made.append(tuple(_between(rng, corners) for corners in self.corners))
        return made


def _between(rng: random.Random, corners: tuple[int, ...]) -> int:
    """A corner, its neighbour inside, or a number of any length inside."""
    low, high = min(corners), max(corners)
    corner = rng.choice(corners)
    length = rng.randint(0, max(1, (high - low).bit_length()))
    far = low + rng.getrandbits(length + 1)
    return min(max(rng.choice([corner, corner - 1, corner + 1, far]), low), high)


def _volatility_factor(word: int, time: int) -> int:
    return Risk.of_words(word).volatility_factor(time)


def _calm_between(word: int, earlier: int, time: int) -> tuple[int, int]:
    return Risk.of_words(word, earlier).calm_base(time)


def _base_between(word: int, earlier: int, time: int) -> tuple[int, int]:
    return Risk.of_words(word, earlier).base(time)


def _sized_factor(flat: int, depth: int, notional: int) -> int:
    return max(flat, risk.size_factor(notional, depth))


def _maintenance_rate(least: int, flat: int, depth: int, notional: int) -> int:
    return risk.charged(least, _sized_factor(flat, depth, notional), PPM)


def _risk_words(*starts: int) -> tuple[int, ...]:
    """Words of markets at the ends of every field that factors read; ramps from one of `starts`."""
    rng = dice("risk words")
    made = []
    for calm, cap in itertools.product((0, 1, 142_000, 2**24 - 1), (10, 40, 160)):
        for first, last in ((1_000, 1_000), (1_000, 16_000), (16_000, 1_000), (2_500, 1_013)):
            made.append(
                words.RISK.pack(
                    initial=PPM,
                    maintenance=rng.choice([1, 65_000, PPM]),
                    depth=rng.choice([1, 20_000, 2**32 - 1]),
                    capacity=rng.choice([1, 2**32 - 1]),
                    reserve=2**16 - 1,
                    calm=calm,
                    volatility_cap=cap,
                    ramp_start=rng.choice(starts),
                    factor_from=first,
                    factor_to=last,
                    factor_start=rng.choice([0, START, 2**32 - 1]),
                )
            )
    return tuple(made)


START = 1_800_000_000
TIMES = (
    0,
    START - 1,
    START,
    START + 71,
    START + 72,
    START + NOTICE,
    START + RAMP,
    2**32,
    2**256 - 1,
)
EARLIER_WORDS = tuple(
    words.EARLIER.pack(maintenance=m, depth=d, calm=c, volatility_cap=v)
    for (m, v), d, c in itertools.product(
        ((0, 10), (1, 0), (65_000, 40), (PPM, 160)), (1, 20_000, 2**32 - 1), (1, 2**24 - 1)
    )
)
RAMPING = _risk_words(1, START, 2**32 - 1)
VOLATILITIES = (0, 1, 142_000, 142_001, 2**24 - 1)
CAPS = (10, 40, 160, 255)
DEPTHS = (1, 2, 1_000, 20_000, 2**32 - 1)
NOTIONALS = (0, 1, 10**36, 10**39, 10**39 + 1, 2 * 10**43, 2**193, MOST_NOTIONAL)
FACTOR_VALUES = (PPM, PPM + 1, 2 * PPM, 16 * PPM)
RATES = (0, 1, 65_000, 999_999, PPM)
#: Around the capacities of 1 and 1,000: thousandths of money below, at and above.
INTERESTS = (0, 1, 10**39 - 1, 10**39, 10**39 + 1, 10**42, 3 * 10**42, 10**44, MOST_INTEREST)
GROSS = (0, 1, 10**21 - 1, 10**21, 10**21 + 1, 4 * 10**22, 10**27, 10**31, 2**144, MOST_GROSS)


class _Words(Factor):
    """A function of words: those given are taken whole, never a number between."""

    def cases(self) -> list[Case]:
        rng = dice(f"risk {self.name}")
        given, free = self.corners[:-1], self.corners[-1]
        made: list[Case] = list(itertools.product(*self.corners))
        rng.shuffle(made)
        made = made[:4_000]
        for _ in range(RANDOM):
            made.append((*(rng.choice(words) for words in given), _between(rng, free)))
        return made


FACTORS: list[Factor] = [
    Factor("passed", 0, (TIMES[:-2], TIMES), lambda s, t: min(max(t - s, 0), RAMP)),
    Factor(
        "between",
        1,
        ((0, 1, PPM, 2**32 - 1), (0, 1, PPM, 2**32 - 1), (0, 1, RAMP // 2, RAMP - 1, RAMP)),
        lambda a, b, p: (a * (RAMP - p) + b * p) // RAMP,
    ),
    _Words("base_between", 2, (RAMPING, EARLIER_WORDS, TIMES), _base_between),
    _Words("volatility_factor", 3, (RAMPING, TIMES), _volatility_factor),
    Factor("calm_factor", 4, (VOLATILITIES, CAPS, VOLATILITIES), risk.volatility_factor),
    Factor("size_factor", 5, (NOTIONALS, DEPTHS), risk.size_factor),
    Factor("sized_factor", 6, (FACTOR_VALUES, DEPTHS, NOTIONALS), _sized_factor),
    Factor("maintenance_rate", 7, (RATES, FACTOR_VALUES, DEPTHS, NOTIONALS), _maintenance_rate),
    Factor("interest_factor", 8, (NOTIONALS, INTERESTS, DEPTHS), risk.interest_factor),
    Factor(
        "charged",
        9,
        (RATES, (*FACTOR_VALUES, 2**76, 2**179), (PPM, MAX_INITIAL_RATE)),
        risk.charged,
    ),
    Factor("worth", 10, (GROSS, (0, 1, 333_333, 333_334, 650_000, 999_999), DEPTHS), risk.worth),
    _Words("calm_between", 11, ((*RAMPING, *_risk_words(0)), EARLIER_WORDS, TIMES), _calm_between),
]


# ----------------------------- scenarios ------------------------

Book = list[tuple[int, int, int]]


def books(tail: int) -> list[Book]:
    """From one leg to sixteen, 1 wei to 2**150, shocks at the ends of their range and near 0."""
    rng = dice(f"books {tail}")
    made: list[Book] = []
    for number in range(BOOKS_A_TAIL):
        count = 1 + number % 16
        top = rng.choice([1, 8, 45, 46, 47, 60, 100, 149])
        made.append([_leg(rng, top, number) for _ in range(count)])
    # Losses that are equal or a unit apart.
    for _ in range(BOOKS_A_TAIL):
        shocks = tuple(rng.randrange(-3, 4) for _ in range(scenarios.SCENARIOS))
        # A multiple of what the mean divides by, so that each unit of a loss shows.
        needed = rng.choice([1, -1]) * scenarios.SHOCK_UNIT * tail
        made.append([(needed, *scenarios.pack_shocks(shocks))])
    return made


def _leg(rng: random.Random, top: int, number: int) -> tuple[int, int, int]:
    most = 2 ** (top + 1) - 1
    needed = rng.choice([most, 2**top, rng.randint(1, most), 1])
    sign = rng.choice([1, -1]) if number % 4 else 1
    ends = (-(2**15) + 1, 2**15 - 1)
    shocks = tuple(
        rng.choice(ends) if number % 3 == 0 else max(-9_999, min(round(rng.gauss(0, 900)), 32_767))
        for _ in range(scenarios.SCENARIOS)
    )
    return (sign * needed, *scenarios.pack_shocks(shocks))


def shortfall(book: Book, tail: int) -> int:
    """What the specification answers."""
    legs = [(needed, scenarios.unpack_shocks(*pair)) for needed, *pair in book]
    return scenarios.expected_shortfall(legs, tail)
