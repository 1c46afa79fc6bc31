"""Adapter and index over Chainlink's own proxy and aggregator: rounds, phases, outliers."""

from __future__ import annotations

import pytest

from seawall.client.contract import Contract
from seawall.published.artifacts import PublishedError
from seawall.published.chainlink import HIGHEST, LOWEST, ChainlinkSource
from seawall.rpc import RpcError
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, WAD
from tests.e2e.rooms import IndexRoom

ETH = 2
UNIT = 10**8
HOUR = 3_600
PHASE_BITS = 64


@pytest.fixture
def source(room: IndexRoom) -> ChainlinkSource:
    """A proxy without a round yet."""
    return room.source()


@pytest.fixture
def sources(room: IndexRoom) -> list[ChainlinkSource]:
    """Three proxies of the ETH market, each with a round at 3,000 dollars; two make the index."""
    made = [room.source() for _ in range(3)]
    for one in made:
        one.answer(3_000 * UNIT)
    room.list(ETH, made, quorum=2)
    return made


def round_of(room: IndexRoom, source: ChainlinkSource) -> tuple[int, ...]:
    """round_id, answer, started_at, updated_at, answered_in_round as the proxy gives them."""
    data = room.rpc.view(source.address, source.proxy.encode("latestRoundData"))
    return tuple(source.proxy.decode("latestRoundData", data))


def silent(room: IndexRoom, adapter: Contract) -> bool:
    """Whether the adapter reverts, which the index counts as a broken feed."""
    try:
        room.latest(adapter)
    except RpcError:
        return True
    return False


# -- the adapter -------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", (0, 6, 8, 18))
def test_latest_real_round_gives_wad_and_its_time(room: IndexRoom, decimals: int) -> None:
    source = room.source(decimals=decimals, highest=10**30)
    source.answer(1_234 * 10**decimals)
    updated_at = round_of(room, source)[3]
    assert room.latest(room.adapter(source)) == Reading(1_234 * WAD, updated_at)
    assert updated_at == room.rpc.timestamp() - 1


@pytest.mark.parametrize(
    "unit_exponent, answer, price",
    [
        (6, 2_000, 20 * WAD),
        (-3, 60_000 * UNIT, 60 * WAD),
        (-18, UNIT, 1),
        # Below one wei: no price.
        (-18, UNIT - 1, 0),
    ],
)
def test_latest_unit_exponent_scales_a_real_answer(
    room: IndexRoom, source: ChainlinkSource, unit_exponent: int, answer: int, price: int
) -> None:
    source.answer(answer)
    updated_at = round_of(room, source)[3]
    seen = room.latest(room.adapter(source, unit_exponent, 0, 0))
    assert seen == (Reading(price, updated_at) if price else NO_READING)


@pytest.mark.parametrize("answer", (0, -1, -(10**20)))
def test_latest_real_answer_not_positive_is_no_price(room: IndexRoom, answer: int) -> None:
    source = room.source(lowest=-(10**20))
    source.answer(answer)
    assert room.latest(room.adapter(source)) == NO_READING


@pytest.mark.parametrize(
    "answer, valid", [(LOWEST, False), (LOWEST + 1, True), (HIGHEST - 1, True), (HIGHEST, False)]
)
def test_latest_answer_at_the_aggregators_own_bounds_is_no_price(
    room: IndexRoom, source: ChainlinkSource, answer: int, valid: bool
) -> None:
    source.answer(answer)
    seen = room.latest(room.adapter(source, 0, LOWEST, HIGHEST))
    assert (seen != NO_READING) == valid


def test_submit_beyond_the_aggregators_bounds_is_refused(source: ChainlinkSource) -> None:
    """Hence a price beyond a bound shows as the bound itself, which the adapter refuses."""
    with pytest.raises(PublishedError, match="value above maxSubmissionValue"):
        source.answer(HIGHEST + 1)


def test_latest_feed_without_any_round_reverts(room: IndexRoom, source: ChainlinkSource) -> None:
    assert silent(room, room.adapter(source))


def test_latest_round_without_quorum_keeps_the_last_answer(
    room: IndexRoom, source: ChainlinkSource
) -> None:
    adapter = room.adapter(source)
    source.answer(3_000 * UNIT)
    before = room.latest(adapter)
    source.submit(room.oracles[0], 2_000 * UNIT)
    assert room.latest(adapter) == before
    # The second report completes the round: the answer is the median of the two.
    source.submit(room.oracles[1], 2_100 * UNIT)
    assert room.latest(adapter).price == 2_050 * WAD


def test_latest_late_report_moves_the_rounds_answer(
    room: IndexRoom, source: ChainlinkSource
) -> None:
    adapter = room.adapter(source)
    source.submit(room.oracles[0], 3_000 * UNIT)
    source.submit(room.oracles[1], 3_200 * UNIT)
    source.submit(room.oracles[2], 3_010 * UNIT)
    assert room.latest(adapter).price == 3_010 * WAD


def test_latest_new_phase_is_silent_until_its_first_round(
    room: IndexRoom, source: ChainlinkSource
) -> None:
    adapter = room.adapter(source)
    for number in range(3):
        source.answer((3_000 + number) * UNIT)
    first = round_of(room, source)
    assert (first[0] >> PHASE_BITS, first[0] % 2**PHASE_BITS) == (1, 3)
    source.next_phase()
    assert silent(room, adapter)
    source.answer(2_990 * UNIT)
    second = round_of(room, source)
    # The round counts from one again behind the proxy, but its id only grows.
    assert (second[0] >> PHASE_BITS, second[0] % 2**PHASE_BITS) == (2, 1)
    assert second[0] > first[0]
    assert room.latest(adapter) == Reading(2_990 * WAD, second[3])


# -- the index ---------------------------------------------------------------------------------


def test_refresh_three_real_feeds_give_their_median(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    for source, answer in zip(sources, (3_011, 2_990, 3_004), strict=True):
        source.answer(answer * UNIT)
    middle = round_of(room, sources[2])[3]
    word = PRICE.unpack(room.refresh(ETH))
    assert word["price"] == 3_004 * WAD
    assert word["updated_at"] == middle
    # 7 dollars of 3,004, the nearer of the other two, in units of 10**-5, rounded up.
    assert word["half_width"] == 234


def test_refresh_answer_beyond_the_range_of_prices_counts_as_silent(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    for source, quote in zip(sources, (3_001, 3_002, 10**9), strict=True):
        source.answer(quote * UNIT)
    assert PRICE.unpack(room.refresh(ETH))["price"] == 3_001 * WAD + WAD // 2


@pytest.mark.parametrize("answer", (1, 30, 300_000, 10**6))
def test_refresh_one_feed_far_off_is_outvoted(
    room: IndexRoom, sources: list[ChainlinkSource], answer: int
) -> None:
    for source, quote in zip(sources, (3_001, 3_002, answer), strict=True):
        source.answer(quote * UNIT)
    word = PRICE.unpack(room.refresh(ETH))
    assert word["price"] == (3_001 if answer < 3_001 else 3_002) * WAD
    # A dollar of 3,001 or 3,002.
    assert word["half_width"] == 34


def test_refresh_one_silent_feed_leaves_two_and_their_spread(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    sources[0].next_phase()
    sources[1].answer(3_000 * UNIT)
    sources[2].answer(3_030 * UNIT)
    word = PRICE.unpack(room.refresh(ETH))
    assert word["price"] == 3_015 * WAD
    # 15 dollars of 3,015 in units of 10**-5, rounded up.
    assert word["half_width"] == 498


def test_refresh_without_quorum_keeps_the_price_unusable(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    known = PRICE.unpack(room.refresh(ETH))
    for source in sources[:2]:
        source.next_phase()
    word = PRICE.unpack(room.refresh(ETH))
    assert word["half_width"] == MAX_HALF_WIDTH
    assert (word["price"], word["updated_at"]) == (known["price"], known["updated_at"])
    # One of the new aggregators speaks: two feeds again.
    sources[0].answer(2_900 * UNIT)
    assert PRICE.unpack(room.refresh(ETH))["half_width"] < MAX_HALF_WIDTH


def test_refresh_round_older_than_its_age_is_unusable_until_a_new_one(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    oldest = min(round_of(room, source)[3] for source in sources[1:])
    room.rpc.warp(oldest + HOUR - room.rpc.timestamp() - 1)
    # Mined a second later, when the second feed's round is exactly an hour old.
    assert PRICE.unpack(room.refresh(ETH))["half_width"] < MAX_HALF_WIDTH
    room.rpc.warp(10)
    assert PRICE.unpack(room.refresh(ETH))["half_width"] == MAX_HALF_WIDTH
    for source in sources:
        source.answer(3_100 * UNIT)
    word = PRICE.unpack(room.refresh(ETH))
    assert (word["price"], word["half_width"]) == (3_100 * WAD, 0)


def test_refresh_feeds_that_never_had_a_round_give_no_price(room: IndexRoom) -> None:
    room.list(ETH, [room.source() for _ in range(3)], quorum=2)
    word = PRICE.unpack(room.refresh(ETH))
    assert (word["price"], word["half_width"]) == (0, MAX_HALF_WIDTH)


def test_prices_with_too_little_gas_never_show_a_live_feed_as_broken(
    room: IndexRoom, sources: list[ChainlinkSource]
) -> None:
    """Proxy and aggregator each keep 1/64 of the gas: a starved read must revert, not answer."""
    data = "0x" + room.oracle.encode("prices", 1 << ETH).hex()
    outcomes = set()
    for gas in range(40_000, 600_000, 4_000):
        call = {"to": room.oracle.address, "data": data, "gas": hex(gas)}
        try:
            answer = room.rpc.call("eth_call", call, "pending")
        except RpcError:
            outcomes.add("reverted")
            continue
        (word,) = room.oracle.decode("prices", bytes.fromhex(answer.removeprefix("0x")))
        assert PRICE.unpack(word)["half_width"] == 0
        assert PRICE.unpack(word)["price"] == 3_000 * WAD
        outcomes.add("answered")
    assert outcomes == {"reverted", "answered"}
