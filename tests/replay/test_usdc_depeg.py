"""2023-03-10 to 13: USDC as collateral, and as the settlement token."""

from __future__ import annotations

from seawall.replay.accounts import INITIAL_WEIGHT, MAINTENANCE_WEIGHT
from seawall.replay.depeg import (
    ETHER,
    ETHER_PRICE,
    REFRESH,
    TERMS,
    TOKENS,
    Depeg,
    Worth,
    at_spot,
    ether_word,
    unseen,
)
from seawall.replay.drive import terms
from seawall.replay.windows import moment
from seawall.spec.margin import HALF_WIDTH_UNIT
from seawall.spec.oracle import in_settlement
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import PPM, PRICE, WAD
from tests.replay.twin import SettlementTwin

#: Roundings of a worth: price to the half-width, money, weight; in wei.
DUST = 3 * TOKENS // WAD


def at(worths: list[Worth], text: str) -> Worth:
    """The refresh at a time."""
    return next(worth for worth in worths if worth.step.now == moment(text))


def worth_at(price: int, weight: int) -> int:
    """Money that the tokens are at a price and a weight, rounded down."""
    return TOKENS * price * weight // (WAD * PPM)


def test_assess_usdc_for_initial_margin_counts_at_the_worse_of_spot_and_average(
    usdc: Depeg,
) -> None:
    for worth in usdc.kraken:
        worse = min(worth.step.price.price, worth.step.average)
        assert 0 <= worth_at(worse, INITIAL_WEIGHT) - worth.initial <= DUST


def test_assess_usdc_for_maintenance_margin_counts_at_spot(usdc: Depeg) -> None:
    for worth in (*usdc.kraken, *usdc.both):
        spot = worth_at(worth.step.price.price, MAINTENANCE_WEIGHT)
        assert 0 <= spot - worth.maintenance <= DUST


def test_assess_usdc_at_its_lowest_close_counts_the_fall_at_once(usdc: Depeg) -> None:
    lowest = at(usdc.kraken, "2023-03-11T13:00")
    assert lowest.step.price.price == 901 * WAD // 1_000
    assert lowest.initial == 81_090 * WAD
    assert lowest.maintenance == 85_595 * WAD
    # The average still stood 1.3 % above.
    assert lowest.step.average * 100 > lowest.step.price.price * 101


def test_assess_usdc_on_the_rebound_waits_for_the_average(usdc: Depeg) -> None:
    rebound = at(usdc.kraken, "2023-03-11T21:00")
    assert at_spot(rebound) - rebound.initial > 2_400 * WAD
    before_next = at(usdc.kraken, "2023-03-11T21:50")
    assert before_next.step.price.price == rebound.step.price.price
    # Refreshed every ten minutes, the average has drawn for half of the hour.
    assert 500 * WAD < at_spot(before_next) - before_next.initial < 1_600 * WAD


def test_assess_usdc_for_initial_margin_never_beats_spot(usdc: Depeg) -> None:
    for worth in (*usdc.kraken, *usdc.both):
        assert worth.initial <= at_spot(worth)
    short = [worth for worth in usdc.kraken if worth.initial < at_spot(worth)]
    assert len(short) > 100


def test_refresh_usdc_second_feed_half_width_reaches_both(usdc: Depeg) -> None:
    steps = [worth.step for worth in usdc.both if all(one.price for one in worth.step.readings)]
    assert len(steps) > 290
    for step in steps:
        reach = step.price.price * step.price.half_width
        for reading in step.readings:
            assert abs(reading.price - step.price.price) * HALF_WIDTH_UNIT <= reach


def test_refresh_usdc_second_feed_lowers_what_counts_for_initial_margin(usdc: Depeg) -> None:
    late = moment("2023-03-11T15:00")
    pairs = [pair for pair in zip(usdc.kraken, usdc.both, strict=True) if pair[0].step.now >= late]
    lower = [both.initial < kraken.initial for kraken, both in pairs]
    assert sum(lower) == len(lower)


def test_refresh_usdc_between_closes_changes_the_average_alone(usdc: Depeg) -> None:
    for before, after in zip(usdc.kraken, usdc.kraken[1:], strict=False):
        if not after.is_new:
            assert after.step.price.price == before.step.price.price
            assert after.maintenance == before.maintenance


def test_unseen_usdc_hour_of_the_fall_counts_above_its_lowest_trade(usdc: Depeg) -> None:
    falls = unseen(usdc.kraken)
    worst = min(falls, key=lambda fall: fall.traded * WAD // fall.counted)
    assert worst.traded == 8_948 * WAD // 10_000
    assert worst.counted * 100 > worst.traded * 110


# -- as the settlement token ---------------------------------------------------------------------

#: What the ether counts for at par.
ETHER_INITIAL = ETHER * ETHER_PRICE * INITIAL_WEIGHT // (WAD * PPM)
ETHER_MAINTENANCE = ETHER * ETHER_PRICE * MAINTENANCE_WEIGHT // (WAD * PPM)


def test_assess_ether_in_usdc_for_maintenance_margin_never_moves_below_par(usdc: Depeg) -> None:
    """Kraken's closes of these days are up to 0.0002 above a dollar: then ether buys fewer."""
    for worth in (*usdc.ether, *usdc.ether_both):
        price = worth.step.price.price
        expected = ETHER_MAINTENANCE if price <= WAD else ETHER_MAINTENANCE * WAD // price
        assert 0 <= expected - worth.maintenance <= DUST
    below = [worth for worth in usdc.ether if worth.step.price.price < WAD]
    assert len(below) > 300


def test_assess_ether_in_usdc_for_initial_margin_lacks_what_usdc_lacks(usdc: Depeg) -> None:
    for worth in (*usdc.ether, *usdc.ether_both):
        settlement = worth.step.price
        lacking = HALF_WIDTH_UNIT - min(settlement.price, WAD) * HALF_WIDTH_UNIT // WAD
        counted = ETHER_INITIAL * WAD // max(settlement.price, WAD)
        kept = counted * (HALF_WIDTH_UNIT - lacking - settlement.half_width) // HALF_WIDTH_UNIT
        assert abs(worth.initial - kept) <= DUST


def test_assess_ether_in_usdc_at_its_lowest_close(usdc: Depeg) -> None:
    """A tenth of what 75,000 dollars of ether count for, and of maintenance margin nothing."""
    lowest = at(usdc.ether, "2023-03-11T13:00")
    assert lowest.step.price.price == 901 * WAD // 1_000
    assert lowest.initial == ETHER_INITIAL * 901 // 1_000 == 60_817_500 * WAD // 1_000
    assert lowest.maintenance == ETHER_MAINTENANCE == 71_250 * WAD


def test_refresh_ether_in_usdc_is_the_same_on_the_contract(usdc: Depeg) -> None:
    """Contract beside specification at each of the refreshes; the collateral is asked for alone."""
    # Listed so early that all that it is above par counts.
    start = usdc.ether[0].step.now - REFRESH - NOTICE - RAMP
    twin = SettlementTwin(terms(1), [TERMS], ETHER_PRICE, TERMS, start)
    for worth in usdc.ether:
        twin.refresh(worth.step.now, worth.step.readings)
    assert len(twin.answered) > 400
    for worth, answered in zip(usdc.ether, twin.answered, strict=True):
        seen = PRICE.unpack(answered)
        settlement = PRICE.pack(**worth.step.price._asdict())
        expected = PRICE.unpack(in_settlement(ether_word(worth.step.now), settlement))
        for name in ("price", "half_width", "ema_ratio"):
            assert seen[name] == expected[name]
