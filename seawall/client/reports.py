"""Making and signing the reports of a signed report feed.

The digest is built from packed words with two hashes, as that of an order; a test holds it equal to
the generic EIP-712 encoder and to the contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from seawall.client import eip712
from seawall.spec.feeds import Report

__all__ = [
    "Report",
    "ReportDomain",
    "digest",
    "order_signatures",
    "sign",
    "submission",
    "typed_data",
]

#: Name and type in the document, and the attribute of a report.
REPORT_FIELDS = (
    ("price", "uint256", "price"),
    ("halfWidth", "uint256", "half_width"),
    ("publishedAt", "uint256", "published_at"),
)
NAME = "Seawall Report"
VERSION = "1"


_REPORT_TYPE_HASH = eip712.type_hash("Report", REPORT_FIELDS)


@dataclass(frozen=True)
class ReportDomain:
    """Where a signature counts: one feed on one chain."""

    chain_id: int
    feed: str

    @cached_property
    def separator(self) -> bytes:
        """EIP-712 domain separator (32 bytes)."""
        return eip712.separator(NAME, VERSION, self.chain_id, self.feed)


def digest(report: Report, domain: ReportDomain) -> bytes:
    """EIP-712 digest of a report (32 bytes). Errors: OverflowError for a field beyond its word."""
    words = (getattr(report, name).to_bytes(32, "big") for _, _, name in REPORT_FIELDS)
    return eip712.digest(domain.separator, _REPORT_TYPE_HASH + b"".join(words))


def typed_data(report: Report, domain: ReportDomain) -> dict[str, Any]:
    """The same report as an EIP-712 document, for wallets and signing services."""
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in eip712.DOMAIN_FIELDS],
            "Report": [{"name": name, "type": kind} for name, kind, _ in REPORT_FIELDS],
        },
        "primaryType": "Report",
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.feed,
        },
        "message": {key: getattr(report, name) for key, _, name in REPORT_FIELDS},
    }


def sign(report: Report, domain: ReportDomain, signer: LocalAccount) -> bytes:
    """One signer's signature (65 bytes r | s | v)."""
    return bytes(signer.unsafe_sign_hash(Hash32(digest(report, domain))).signature)


def order_signatures(signatures: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Signatures of (address, signature) in the order that the contract takes."""
    return [signature for _, signature in sorted(signatures, key=lambda one: int(one[0], 16))]


def submission(
    report: Report, domain: ReportDomain, signers: Iterable[LocalAccount]
) -> tuple[int, int, int, list[bytes]]:
    """Arguments of `submit`, signed by each of these."""
    signed = [(str(one.address), sign(report, domain, one)) for one in signers]
    return report.price, report.half_width, report.published_at, order_signatures(signed)
