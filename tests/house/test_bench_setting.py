"""The bench's risk setting: the same in every run, and what it is said to be."""

from __future__ import annotations

from bench.setting import (
    ALL_MARKETS,
    FIRST,
    LATER,
    LATER_PERCENT,
    MARKETS,
    TERMS,
    listed,
    shocks,
)
from bench.stand import Stand
from seawall.spec.scenarios import SCENARIOS, Shocks, expected_shortfall, pack_shocks
from seawall.spec.words import LISTED
from seawall.spec.words import TERMS as TERMS_WORD


def correlation(one: Shocks, other: Shocks) -> float:
    pairs = list(zip(one, other, strict=True))
    means = sum(one) / len(one), sum(other) / len(other)
    both = sum((x - means[0]) * (y - means[1]) for x, y in pairs)
    alone = [
        sum((x - mean) ** 2 for x in row) for row, mean in zip((one, other), means, strict=True)
    ]
    return float(both / (alone[0] * alone[1]) ** 0.5)


def test_shocks_same_seed_gives_the_same_numbers() -> None:
    assert shocks(MARKETS, FIRST) == shocks(MARKETS, FIRST)
    assert shocks(MARKETS, FIRST) != shocks(MARKETS, LATER)


def test_shocks_of_a_market_do_not_depend_on_how_many_follow() -> None:
    assert shocks(ALL_MARKETS, FIRST)[8] == shocks(MARKETS, FIRST)[8]


def test_shocks_every_market_is_covered_and_fits_its_words() -> None:
    rows = shocks(ALL_MARKETS, FIRST)
    assert list(rows) == list(ALL_MARKETS)
    for row in rows.values():
        assert len(set(row)) > SCENARIOS // 2
        assert pack_shocks(row)[0] != 0


def test_shocks_markets_move_together_but_not_as_one() -> None:
    rows = shocks(MARKETS, FIRST)
    found = [correlation(rows[1], rows[other]) for other in MARKETS[1:]]
    assert min(found) > 0.6
    assert max(found) < 0.98


def test_shocks_later_matrix_asks_for_more() -> None:
    first, later = shocks(MARKETS, FIRST), shocks(MARKETS, LATER, LATER_PERCENT)
    for longs in ([10**21] * 8, [10**21, -(10**21)] * 4):
        asked = [
            expected_shortfall(
                [(one, rows[m]) for one, m in zip(longs, MARKETS, strict=True)], TERMS.tail
            )
            for rows in (first, later)
        ]
        assert asked[0] < asked[1]


class _House:
    """Answers for a stand: a terms word by market."""

    house = None

    def read(self, contract: None, function: str, market_id: int) -> tuple[int, int, int]:
        mode = LISTED if market_id in (1, 9, 127) else 0
        return 1, 1, TERMS_WORD.pack(oi_cap=5, mode=mode)


def test_listed_counts_what_has_the_bit() -> None:
    stand: Stand = _House()  # type: ignore[assignment]
    assert listed(stand) == [1, 9, 127]
