"""`consensus.vy`, `averages.vy` and `settlement_price.vy` against their specification, many cases
in one call."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import exp, log
from random import Random
from statistics import median

import pytest
from arithmetic_cases import dice

from seawall.spec.averages import (
    DECAY_UNIT,
    MAX_RATIO,
    MAX_VOLATILITY,
    decay,
    nearest,
    next_ema_ratio,
    next_volatility,
)
from seawall.spec.consensus import Consensus, Quote, agree
from seawall.spec.oracle import (
    FIRST_COLLATERAL,
    MAX_ID,
    MAX_PRICE,
    MIN_PRICE,
    in_settlement,
    phased_in,
)
from seawall.spec.risk import RAMP
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, RATIO, TICK, WAD, ids_of

Ask = Callable[..., list[list[int]]]
Case = tuple[list[Quote], int, int, int]

NOW = 1_800_000_000
RANDOM_AGREEMENTS = 20_000
RANDOM_STEPS = 10_000
RANDOM_WORDS = 10_000


def _encoded(case: Case) -> tuple[int, int, int, int, list[list[int]]]:
    quotes, quorum, band, volatility = case
    rows = [[q.price, q.updated_at, q.half_width, q.overdue, int(q.is_pull)] for q in quotes]
    rows += [[0] * 5] * (5 - len(rows))
    return len(quotes), quorum, band, volatility, rows


def _answer(case: Case) -> list[int]:
    found = agree(*case)
    return [found.price, found.updated_at, found.half_width] if found else [0, 0, 0]


def _random_case(rng: Random) -> Case:
    """Feeds that mostly agree, with liars, ties, pull feeds and late ones; bands at the edge."""
    base = rng.choice([MIN_PRICE, MAX_PRICE * 9 // 10, int(10 ** rng.uniform(11, 23))])
    spread = rng.choice([0, 10, 1_000, 100_000])
    quotes: list[Quote] = []
    for _ in range(rng.randrange(0, 6)):
        price = base + base * rng.randint(-spread, spread) // 10**6
        if rng.random() < 0.1:
            price = rng.choice([MIN_PRICE, MAX_PRICE, base * 2, base // 2])
        if rng.random() < 0.2 and quotes:
            price = quotes[0].price
        overdue = rng.choice([0, 0, 0, 1, 3_600, 604_799])
        width = rng.choice([0, 0, 1, 50, 2**16 - 2])
        price = min(max(price, MIN_PRICE), MAX_PRICE)
        age = rng.randrange(604_800)
        quotes.append(Quote(price, NOW - age, width, overdue, rng.random() < 0.3))
    band = rng.choice([0, 1, 100, 5_000, 2**16 - 1])
    return quotes, rng.randrange(1, 6), band, rng.choice([0, 1, 90_000, MAX_VOLATILITY])


def test_agree_random_feeds_match_specification(ask_oracle_math: Ask) -> None:
    rng = dice("agree")
    cases = [_random_case(rng) for _ in range(RANDOM_AGREEMENTS)]

    answers = ask_oracle_math("agree_many", [_encoded(case) for case in cases])

    assert answers == [_answer(case) for case in cases]
    seen = Counter[str]()
    for quotes, quorum, band, _ in cases:
        found = agree(quotes, quorum, band, 0)
        enough = len(quotes) >= quorum and not all(quote.is_pull for quote in quotes)
        seen["price" if found else "parted" if enough else "none"] += 1
    assert min(seen[name] for name in ("price", "none", "parted")) > 500


def test_agree_minority_of_liars_leaves_the_price_within_what_the_others_say(
    ask_oracle_math: Ask,
) -> None:
    """One of three or four, two of five: whatever they say, and whatever the band is."""
    rng = dice("minority")
    cases: list[Case] = []
    for _ in range(RANDOM_STEPS):
        count = rng.choice([3, 4, 5])
        sound = [Quote(rng.randrange(95, 106) * WAD, NOW) for _ in range(count // 2 + 1)]
        told = [int(10 ** rng.uniform(10, 24)) for _ in range(count - len(sound))]
        liars = [Quote(rng.choice([price, 111 * WAD]), NOW) for price in told]
        cases.append(([*sound, *liars], 2, rng.choice([500, 5_000, 2**16 - 1]), 0))

    answers = ask_oracle_math("agree_many", [_encoded(case) for case in cases])

    priced = 0
    for (quotes, *_), (price, _, _) in zip(cases, answers, strict=True):
        honest = [quote.price for quote in quotes[: len(quotes) // 2 + 1]]
        if price:
            assert min(honest) <= price <= max(honest)
        priced += price > 0
    assert priced > RANDOM_STEPS // 2


def test_agree_every_order_of_small_prices_matches_specification(ask_oracle_math: Ask) -> None:
    """All lists of 1 to 5 prices out of 4, none too far apart: 1,364 cases, every tie and order."""
    lists = [list(c) for n in range(1, 6) for c in itertools.product(range(7, 11), repeat=n)]
    cases: list[Case] = [
        ([Quote(p * WAD, NOW) for p in prices], 1, 2**16 - 1, 0) for prices in lists
    ]
    assert len(cases) == 1_364

    answers = ask_oracle_math("agree_many", [_encoded(case) for case in cases])

    assert answers == [_answer(case) for case in cases]
    middles = [median(price * WAD for price in prices) for prices in lists]
    assert [answer[0] for answer in answers] == middles


@pytest.mark.parametrize(
    "prices, quorum, expected",
    [
        # One liar of three moves the price no farther than what another says.
        ([100, 102, 150], 2, (102, 1_961)),
        # Two feeds: neither is the outlier, and within the band the index is as unsure as that.
        ([100, 104], 2, (102, 1_961)),
        # Three that all part: the middle one, and how far the nearer of the others is.
        ([100, 110, 121], 3, (110, 9_091)),
        ([100, 100, 100, 100, 1], 3, (100, 0)),
        ([100], 1, (100, 0)),
    ],
)
def test_agree_known_case_has_the_price_and_width_worked_out_by_hand(
    ask_oracle_math: Ask, prices: list[int], quorum: int, expected: tuple[int, int]
) -> None:
    case: Case = ([Quote(price * WAD, NOW) for price in prices], quorum, 5_000, 0)

    ((price, updated_at, half_width),) = ask_oracle_math("agree_many", [_encoded(case)])

    assert (price // WAD, half_width) == expected
    assert updated_at == NOW


@pytest.mark.parametrize("prices", [[1, 3], [100, 111], [100, 100, 120, 120], [1, 99, 120, 300]])
def test_agree_two_camps_confirm_nothing(ask_oracle_math: Ask, prices: list[int]) -> None:
    """What is between them nobody said, and equity would count it."""
    case: Case = ([Quote(price * WAD, NOW) for price in prices], 2, 5_000, 0)

    assert ask_oracle_math("agree_many", [_encoded(case)]) == [[0, 0, 0]]


def test_agree_stale_minority_leaves_width_and_time(ask_oracle_math: Ask) -> None:
    """One of three feeds is an hour late: neither time nor half-width is the caller's loss."""
    late = Quote(100 * WAD, NOW - 7_200, overdue=3_600)
    case: Case = ([Quote(100 * WAD, NOW), late, Quote(100 * WAD, NOW - 5)], 2, 5_000, 90_000)
    both_late: Case = ([late, late, Quote(100 * WAD, NOW)], 2, 5_000, 90_000)

    answers = ask_oracle_math("agree_many", [_encoded(case), _encoded(both_late)])

    # Of equal prices the middle by time gives the price.
    assert answers[0] == [100 * WAD, NOW - 5, 0]
    # 9e-5 per root of a second over an hour: 0.54 %, rounded up.
    assert answers[1] == [100 * WAD, NOW - 7_200, 541]


def test_agree_needs_a_push_feed(ask_oracle_math: Ask) -> None:
    pull = Quote(100 * WAD, NOW, is_pull=True)
    push = Quote(100 * WAD, NOW)
    cases: list[Case] = [([pull, pull, pull], 2, 0, 0), ([pull, push], 2, 0, 0)]

    answers = ask_oracle_math("agree_many", [_encoded(case) for case in cases])

    assert answers == [[0, 0, 0], [100 * WAD, NOW, 0]]


def test_agree_price_is_on_the_tick(ask_oracle_math: Ask) -> None:
    case: Case = ([Quote(10**10 + TICK - 1, NOW)], 1, 0, 0)

    ((price, _, _),) = ask_oracle_math("agree_many", [_encoded(case)])

    assert price == 10**10


def test_decay_any_pair_matches_specification_and_the_exponential(ask_oracle_math: Ask) -> None:
    rng = dice("decay")
    seconds = [60, 1_800, 86_400, 2_592_000]
    pairs = [(elapsed, s) for elapsed in range(0, 700) for s in seconds]
    pairs += [(int(10 ** rng.uniform(0, 9)), rng.choice(seconds)) for _ in range(2_000)]

    answers = ask_oracle_math("decay_many", pairs)

    assert [answer[0] for answer in answers] == [decay(*pair) for pair in pairs]
    for (elapsed, s), (factor, _, _) in zip(pairs, answers, strict=True):
        assert abs(factor - DECAY_UNIT * exp(-elapsed / s)) < 1.01


def test_next_any_step_matches_specification(ask_oracle_math: Ask) -> None:
    rng = dice("next")
    cases = []
    for _ in range(RANDOM_STEPS):
        old = int(10 ** rng.uniform(10, 24))
        new = rng.choice([old, int(old * rng.uniform(0.5, 2)), int(10 ** rng.uniform(10, 24))])
        ratio = rng.choice([RATIO, 0, 1, MAX_RATIO, rng.randrange(RATIO // 2, RATIO * 2)])
        sample = rng.choice([RATIO, 1, MAX_RATIO, rng.randrange(RATIO // 2, RATIO * 2)])
        volatility = rng.choice([0, 1, MAX_VOLATILITY, rng.randrange(200_000)])
        factor = rng.choice([0, DECAY_UNIT, rng.randrange(DECAY_UNIT)])
        age = rng.choice([300, 2**33 - 1, rng.randrange(300, 10**6)])
        cases.append((ratio, sample, volatility, old, max(new, MIN_PRICE), factor, age))

    answers = ask_oracle_math("next_many", cases)

    for case, answer in zip(cases, answers, strict=True):
        ratio, sample, volatility, old, new, factor, age = case
        moved = max(1, min(nearest(old * sample, new), MAX_RATIO))
        assert answer == [
            next_ema_ratio(ratio, old, new, factor),
            moved,
            next_volatility(volatility, moved, age, factor),
        ]


def test_next_volatility_is_the_root_of_the_squared_log_return() -> None:
    """A move of 1 % in 300 s that starts from nothing and keeps nothing."""
    move = nearest(RATIO * 100, 101)

    sigma = next_volatility(0, move, 300, 0)

    assert sigma == pytest.approx(log(1.01) / 300**0.5 * 10**9, rel=1e-4)
    downwards = next_volatility(0, nearest(RATIO * 101, 100), 300, 0)
    assert downwards == pytest.approx(sigma, abs=1)


def test_agree_of_nothing_is_nothing() -> None:
    assert agree([], 1, 0, 0) is None
    assert agree([Quote(100 * WAD, NOW)], 1, 0, 0) == Consensus(100 * WAD, NOW, 0)


def _random_word(rng: Random, price: int) -> int:
    """A price word with every field full, empty or between."""
    full = {field.name: 2**field.bits - 1 for field in PRICE.fields}
    fields = {name: rng.choice([0, most, rng.randrange(most)]) for name, most in full.items()}
    widths = [0, 0, 1, rng.randrange(5_000), MAX_HALF_WIDTH - 1, MAX_HALF_WIDTH]
    return PRICE.pack(**{**fields, "price": price, "half_width": rng.choice(widths)})


def _random_settlement(rng: Random) -> int:
    """Around par, at its edges, and anywhere else that an index may be."""
    near = WAD * rng.randint(900_000, 1_100_000) // 10**6
    edges = [0, MIN_PRICE, WAD - 1, WAD, WAD + 1, WAD - WAD // 10**5, MAX_PRICE]
    return _random_word(rng, rng.choice([near, near, rng.choice(edges)]))


def test_in_settlement_any_words_match_specification(ask_oracle_math: Ask) -> None:
    """Three legs each, of which none to all are collateral."""
    rng = dice("settlement")
    cases = []
    for _ in range(RANDOM_WORDS):
        ids = rng.sample(range(1, FIRST_COLLATERAL), 3)
        tokens = rng.sample(range(FIRST_COLLATERAL, MAX_ID + 1), rng.randrange(4))
        ids[: len(tokens)] = tokens
        prices = [rng.choice([0, MAX_PRICE, int(10 ** rng.uniform(10, 24))]) for _ in ids]
        words = [_random_word(rng, price) for price in prices]
        bitmap = sum(1 << leg_id for leg_id in ids)
        cases.append((bitmap, *words, _random_settlement(rng)))

    answers = ask_oracle_math("in_settlement_many", cases)

    seen = Counter[str]()
    for (bitmap, *words, settlement), answer in zip(cases, answers, strict=True):
        assert answer == [
            in_settlement(word, settlement) if leg_id >= FIRST_COLLATERAL else word
            for leg_id, word in zip(ids_of(bitmap), words, strict=True)
        ]
        for before, after in zip(map(PRICE.unpack, words), map(PRICE.unpack, answer), strict=True):
            seen["dearer token"] += after["price"] < before["price"]
            seen["wider"] += before["half_width"] < after["half_width"] < MAX_HALF_WIDTH - 1
            seen["capped"] += before["half_width"] < after["half_width"] == MAX_HALF_WIDTH - 1
            seen["switched off"] += before["half_width"] < after["half_width"] == MAX_HALF_WIDTH
            seen["as it was"] += before == after
    names = ("dearer token", "wider", "capped", "switched off", "as it was")
    assert [name for name in names if seen[name] < 500] == []


def test_phased_in_any_premium_matches_specification(ask_oracle_math: Ask) -> None:
    rng = dice("premium")
    cases = []
    for _ in range(RANDOM_WORDS):
        above = rng.choice([1, 2, RAMP, WAD // 100, MAX_PRICE - WAD, rng.randrange(1, WAD)])
        start = rng.choice([0, NOW, 2**32 - 1])
        edges = [-1, 0, 1, RAMP - 1, RAMP, RAMP + 1, rng.randrange(RAMP), rng.randrange(RAMP)]
        cases.append((_random_word(rng, WAD + above), start, max(0, start + rng.choice(edges))))

    answers = ask_oracle_math("phased_in_many", cases)

    seen = Counter[str]()
    for case, (answer,) in zip(cases, answers, strict=True):
        assert answer == phased_in(*case)
        seen["none"] += answer >> 176 == WAD
        seen["all"] += answer == case[0]
        seen["part"] += WAD < answer >> 176 < case[0] >> 176
    assert min(seen[name] for name in ("none", "all", "part")) > RANDOM_WORDS // 20


@pytest.mark.parametrize(
    "seconds, counted",
    [(-1, "1"), (0, "1"), (RAMP // 2, "1.1"), (RAMP - 1, "1.19999953703703703"), (RAMP, "1.2")],
)
def test_phased_in_known_case_has_the_price_worked_out_by_hand(seconds: int, counted: str) -> None:
    word = PRICE.pack(price=WAD * 12 // 10, half_width=9, refreshed_at=NOW, volatility=7)
    answer = phased_in(word, NOW, NOW + seconds)
    assert PRICE.unpack(answer)["price"] // 10 == int(Fraction(counted) * WAD) // 10
    assert answer & (2**176 - 1) == word & (2**176 - 1)


@pytest.mark.parametrize(
    "dollars, doubt, expected",
    [
        ("1", 0, (3_000 * WAD, 10)),
        ("1.2", 0, (2_500 * WAD, 10)),
        # 3,000 / 1.00001, rounded down to a wei.
        ("1.00001", 0, (2_999_970_000_299_997_000_029, 10)),
        # Nobody is paid more for it, and 3 % of it is not counted.
        ("0.97", 0, (3_000 * WAD, 3_010)),
        # 0.0000001 of a dollar is a unit of half-width.
        ("0.9999999", 0, (3_000 * WAD, 11)),
        ("0.97", 200, (3_000 * WAD, 3_210)),
        ("0.3", 200, (3_000 * WAD, MAX_HALF_WIDTH - 1)),
        ("0.97", MAX_HALF_WIDTH, (3_000 * WAD, MAX_HALF_WIDTH)),
        ("1.2", MAX_HALF_WIDTH, (2_500 * WAD, MAX_HALF_WIDTH)),
        # Feeds that have never agreed.
        ("0", MAX_HALF_WIDTH, (3_000 * WAD, MAX_HALF_WIDTH)),
    ],
)
def test_in_settlement_known_case_has_the_price_and_width_worked_out_by_hand(
    ask_oracle_math: Ask, dollars: str, doubt: int, expected: tuple[int, int]
) -> None:
    market = PRICE.pack(price=9 * WAD, half_width=5)
    token = PRICE.pack(price=3_000 * WAD, updated_at=NOW, half_width=10, volatility=7)
    settlement = PRICE.pack(price=int(Fraction(dollars) * WAD), half_width=doubt)
    bitmap = 1 << 1 | 1 << 127 | 1 << FIRST_COLLATERAL

    (answer,) = ask_oracle_math("in_settlement_many", [(bitmap, market, market, token, settlement)])

    assert answer[:2] == [market, market]
    price, half_width = expected
    assert PRICE.unpack(answer[2]) == {
        **PRICE.unpack(token),
        "price": price,
        "half_width": half_width,
    }
