"""The digest: contract, client and the generic EIP-712 encoder agree."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from team import Team

from seawall.client.reports import (
    Report,
    ReportDomain,
    digest,
    order_signatures,
    sign,
    submission,
    typed_data,
)
from seawall.spec.words import WAD

DOMAIN = ReportDomain(31337, "0x" + "5e" * 20)
REPORT = Report(3_000 * WAD, 25, 1_800_000_000)
REPORTS = [
    REPORT,
    Report(0, 0, 0),
    Report(2**256 - 1, 2**256 - 1, 2**256 - 1),
    Report(10**10, 65_534, 2**64),
]


@pytest.mark.parametrize("report", REPORTS)
def test_report_digest_of_the_client_equals_generic_encoder(report: Report) -> None:
    message = encode_typed_data(full_message=typed_data(report, DOMAIN))
    assert digest(report, DOMAIN) == bytes(_hash_eip191_message(message))


@pytest.mark.parametrize("report", REPORTS)
def test_report_digest_of_the_contract_equals_client(team: Team, report: Report) -> None:
    args = (report.price, report.half_width, report.published_at)
    assert bytes(team.ask("report_digest", *args)) == digest(report, team.domain)


def test_report_digest_follows_the_chain_id(team: Team) -> None:
    """After a fork a signature serves on one chain only."""
    other = team.domain.chain_id + 1
    args = (REPORT.price, REPORT.half_width, REPORT.published_at)
    team.node.call("anvil_setChainId", other)
    try:
        answer = bytes(team.ask("report_digest", *args))
    finally:
        team.node.call("anvil_setChainId", team.domain.chain_id)
    assert answer == digest(REPORT, ReportDomain(other, team.address))


def test_report_eip712_domain_tells_wallets_the_domain(team: Team) -> None:
    fields, name, version, chain_id, contract, salt, extensions = team.ask("eip712Domain")
    assert (bytes(fields), name, version) == (b"\x0f", "Seawall Report", "1")
    assert (chain_id, contract) == (team.domain.chain_id, team.address.lower())
    assert (bytes(salt), tuple(extensions)) == (bytes(32), ())


def test_sign_report_is_what_a_wallet_signs(keys: list[Any]) -> None:
    message = encode_typed_data(full_message=typed_data(REPORT, DOMAIN))
    wallet = Account.sign_message(message, keys[0].key)
    assert sign(REPORT, DOMAIN, keys[0]) == bytes(wallet.signature)


def test_submission_orders_signatures_by_signer(keys: list[Any]) -> None:
    expected = [sign(REPORT, DOMAIN, key) for key in keys[:4]]
    args = submission(REPORT, DOMAIN, reversed(keys[:4]))
    assert args == (REPORT.price, REPORT.half_width, REPORT.published_at, expected)


def test_order_signatures_sorts_by_address_not_by_text() -> None:
    """Checksummed addresses mix cases: as text, B comes before a."""
    low, high = "0x" + "a" + 39 * "0", "0x" + "B" + 39 * "0"
    assert order_signatures([(high, b"2"), (low, b"1")]) == [b"1", b"2"]


def test_digest_of_a_field_beyond_its_word_is_refused() -> None:
    with pytest.raises(OverflowError):
        digest(Report(2**256, 0, 0), DOMAIN)
