"""submit: which reports count."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from team import Refused, Team, by_signer, number_of

from seawall.client.reports import ReportDomain, sign, submission
from seawall.rpc import succeeded
from seawall.spec.feeds import MAX_SIGNERS, Report
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.words import WAD

SEED = 44
MIN_PRICE, MAX_PRICE = 10**10, 10**24
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CALL_GAS = 21_064

Form = Callable[..., Team]


def refusal(act: Callable[[], Any]) -> str:
    """Reason of a refused step."""
    with pytest.raises(Refused) as found:
        act()
    return str(found.value)


def test_latest_before_any_report_is_no_price(team: Team) -> None:
    assert team.latest() == NO_READING


def test_submit_enough_signatures_is_the_price(team: Team, stranger: Any) -> None:
    report = team.report(3_000, half_width=7)
    team.submit(report, team.signed(report, team.keys[:2]), sender=stranger)
    assert team.latest() == Reading(3_000 * WAD, report.published_at, 7)


def test_submit_logs_the_report(team: Team) -> None:
    report = team.report(3_000, half_width=7)
    receipt = team.bring(report)
    assert team.feed.events(receipt["logs"], "ReportSubmitted") == [
        {"price": 3_000 * WAD, "half_width": 7, "published_at": report.published_at}
    ]


@pytest.mark.parametrize("places", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_submit_any_signers_that_are_enough_count(team: Team, places: tuple[int, ...]) -> None:
    report = team.report()
    team.bring(report, [team.keys[place] for place in places])
    assert team.latest().price == report.price


@pytest.mark.parametrize("count", [0, 1])
def test_submit_too_few_signatures_is_refused(team: Team, count: int) -> None:
    report = team.report()
    reason = refusal(lambda: team.bring(report, team.keys[:count]))
    assert reason == "report: too few signatures"
    assert team.latest() == NO_READING


def test_submit_one_signer_twice_is_refused(team: Team) -> None:
    report = team.report()
    pairs = team.signed(report, [team.keys[0], team.keys[0]])
    assert refusal(lambda: team.submit(report, pairs)) == "report: signer order"


def test_submit_signers_in_descending_order_are_refused(team: Team) -> None:
    report = team.report()
    pairs = team.signed(report, [team.keys[1], team.keys[0]])
    assert refusal(lambda: team.submit(report, pairs)) == "report: signer order"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_submit_signature_of_a_stranger_is_refused(team: Team, keys: list[Any], place: int) -> None:
    """Also beside enough good ones: every signature given must count."""
    report = team.report()
    chosen = team.keys[:2]
    chosen.insert(place, keys[16])
    pairs = team.signed(report, chosen)
    assert refusal(lambda: team.submit(report, pairs)) == "report: unknown signer"


@pytest.mark.parametrize(
    "changed",
    [
        {"price": 3_001 * WAD},
        {"half_width": 6},
        {"age": 1},
    ],
)
def test_submit_other_report_than_signed_is_refused(team: Team, changed: dict[str, int]) -> None:
    signed = team.report(3_000, half_width=5)
    pairs = team.signed(signed, team.keys[:2])
    price = changed.get("price", signed.price)
    half_width = changed.get("half_width", signed.half_width)
    args = (price, half_width, signed.published_at - changed.get("age", 0))
    signatures = [signature for _, signature in pairs]
    reason = refusal(lambda: team.send(None, "submit", *args, signatures))
    assert reason == "report: unknown signer"


@pytest.mark.parametrize("other", ["chain", "feed"])
def test_submit_report_for_another_feed_or_chain_is_refused(team: Team, other: str) -> None:
    report = team.report()
    foreign = ReportDomain(
        team.domain.chain_id + (other == "chain"),
        "0x" + "5e" * 20 if other == "feed" else team.address,
    )
    args = submission(report, foreign, team.keys[:2])
    assert refusal(lambda: team.send(None, "submit", *args)) == "report: unknown signer"


@pytest.mark.parametrize("length", [0, 1, 63])
def test_submit_signature_of_a_wrong_length_is_refused(team: Team, length: int) -> None:
    *words, (first, second) = submission(team.report(), team.domain, team.keys[:2])
    args = (*words, [first, second[:length]])
    assert refusal(lambda: team.send(None, "submit", *args)) == "report: unknown signer"


def test_submit_signature_that_is_none_is_refused(team: Team) -> None:
    *words, (first, _) = submission(team.report(), team.domain, team.keys[:2])
    args = (*words, [first, bytes(65)])
    assert refusal(lambda: team.send(None, "submit", *args)) == "ecdsa: invalid signature"


def test_submit_twin_of_a_signature_is_refused(team: Team) -> None:
    report = team.report()
    first, second = by_signer(team.signed(report, team.keys[:2]))
    high = CURVE_ORDER - int.from_bytes(second[32:64], "big")
    twin = second[:32] + high.to_bytes(32, "big") + bytes([55 - second[64]])
    args = (report.price, report.half_width, report.published_at, [first, twin])
    reason = refusal(lambda: team.send(None, "submit", *args))
    assert reason == "ecdsa: invalid signature `s` value"


def test_submit_short_form_of_a_signature_counts_once(team: Team) -> None:
    """64 bytes as EIP-2098 packs them: another form of one signature is the same signer."""
    report = team.report()
    long = sign(report, team.domain, team.keys[0])
    high_bit = (long[64] - 27) << 255
    short = long[:32] + (int.from_bytes(long[32:64], "big") | high_bit).to_bytes(32, "big")
    both = (report.price, report.half_width, report.published_at, [short, long])
    assert refusal(lambda: team.send(None, "submit", *both)) == "report: signer order"
    other = sign(report, team.domain, team.keys[1])
    team.send(None, "submit", *both[:3], [short, other])
    assert team.ask("latest")[0] == report.price


def test_submit_same_report_again_is_refused(team: Team) -> None:
    report = team.report()
    team.bring(report)
    assert refusal(lambda: team.bring(report)) == "report: not newer"


@pytest.mark.parametrize("younger, valid", [(-100, False), (0, False), (1, True)])
def test_submit_time_must_be_later_than_the_last(team: Team, younger: int, valid: bool) -> None:
    first = team.report(age=500)
    team.bring(first)
    second = Report(2_000 * WAD, 0, first.published_at + younger)
    if valid:
        team.bring(second)
        assert team.latest().price == second.price
    else:
        assert refusal(lambda: team.bring(second)) == "report: not newer"
        assert team.latest().price == first.price


def test_submit_time_zero_is_refused(team: Team) -> None:
    assert refusal(lambda: team.bring(Report(WAD, 0, 0))) == "report: not newer"


@pytest.mark.parametrize("ahead, valid", [(0, True), (1, False), (2**255, False)])
def test_submit_time_in_the_future_is_refused(team: Team, ahead: int, valid: bool) -> None:
    block_time = team.node.timestamp() + 60
    team.node.set_next_timestamp(block_time)
    report = Report(3_000 * WAD, 0, block_time + ahead)
    if valid:
        team.bring(report)
        assert team.latest() == Reading(3_000 * WAD, block_time, 0)
    else:
        assert refusal(lambda: team.bring(report)) == "report: future"


@pytest.mark.parametrize(
    "price, valid",
    [
        (0, False),
        (MIN_PRICE - 1, False),
        (MIN_PRICE, True),
        (MAX_PRICE, True),
        (MAX_PRICE + 1, False),
        (2**256 - 1, False),
    ],
)
def test_submit_price_out_of_range_is_refused(team: Team, price: int, valid: bool) -> None:
    report = Report(price, 0, team.node.timestamp())
    if valid:
        team.bring(report)
        assert team.latest().price == price
    else:
        assert refusal(lambda: team.bring(report)) == "report: price"


@pytest.mark.parametrize("half_width, valid", [(65_534, True), (65_535, False), (2**255, False)])
def test_submit_half_width_out_of_range_is_refused(
    team: Team, half_width: int, valid: bool
) -> None:
    report = team.report(half_width=half_width)
    if valid:
        team.bring(report)
        assert team.latest().half_width == half_width
    else:
        assert refusal(lambda: team.bring(report)) == "report: half width"


def test_submit_sixteen_of_sixteen_counts(form_team: Form) -> None:
    team = form_team(count=MAX_SIGNERS, threshold=MAX_SIGNERS)
    report = team.report()
    team.bring(report)
    assert team.latest().price == report.price


def test_submit_random_reports_match_specification(form_team: Form, keys: list[Any]) -> None:
    team = form_team(count=5, threshold=3)
    rng = random.Random(SEED)
    reasons: set[str] = set()
    stored = 0
    for _ in range(150):
        report = draw_report(rng, team)
        chosen = rng.sample(team.keys, rng.choice([2, 3, 3, 3, 4, 5]))
        if rng.random() < 0.1:
            chosen.append(keys[16])
        if rng.random() < 0.9:
            chosen.sort(key=number_of)
        try:
            team.submit(report, team.signed(report, chosen))
            stored += 1
        except Refused as refused:
            reasons.add(str(refused))
        team.latest()
    assert stored > 30
    assert len(reasons) == 7


def draw_report(rng: random.Random, team: Team) -> Report:
    """A report with a fair share of bad fields."""
    price = rng.randrange(MIN_PRICE, MAX_PRICE)
    if rng.random() < 0.08:
        price = rng.choice([0, MAX_PRICE + rng.randrange(1, 2**100)])
    half_width = rng.randrange(65_535) if rng.random() < 0.92 else 65_535
    published_at = team.node.timestamp() + rng.choice([0, 0, 0, 0, -1, -50, 40])
    return Report(price, half_width, published_at)


def test_latest_report_cold_costs_at_most_2700(team: Team) -> None:
    """One slot, read once."""
    team.bring(team.report())
    receipt = team.node.send(team.owner, team.address, team.feed.encode("latest"))
    assert succeeded(receipt)
    used = int(receipt["gasUsed"], 16) - CALL_GAS
    assert used <= 2_700, used
