"""What the same work costs elsewhere: whole-transaction gas, measured on each protocol's own code
with cold storage. Facts of others, not measured again here."""

from __future__ import annotations

from dataclasses import dataclass

PEERS = ("Derive v2", "dYdX v1", "Vertex", "Perp v2", "GMX v2")


@dataclass(frozen=True)
class Row:
    """An operation, the gas of each peer in the order of PEERS, and the figures beside it."""

    operation: str
    peers: tuple[str, str, str, str, str]
    figures: tuple[str, ...]


ROWS = (
    Row(
        "deposit, top-up",
        ("142,905", "111,690", "302,934", "79,018", "3,014,939"),
        ("deposit_topup", "deposit_topup_usdc"),
    ),
    Row(
        "fill, both accounts new to the market",
        ("1,165,329", "171,276", "288,990", "726,531", "3,483,837"),
        ("fill_open",),
    ),
    Row(
        "fill, both hold a position",
        ("1,085,862", "181,122", "237,667", "688,069", "3,238,419"),
        ("fill_hold", "fill_hold_fresh"),
    ),
    Row("each of a batch of ten", ("-", "-", "125,027", "-", "-"), ("fill_batch10_each",)),
    Row(
        "liquidation step, 1 position",
        ("1.22 M", "139,997", "414,685", "1.15 M", "2.6 M"),
        ("liquidate_1",),
    ),
    Row("2 positions", ("1.82 M", "-", "477,523", "1.74 M", "-"), ("liquidate_2",)),
    Row("4 positions", ("3.08 M", "-", "603,323", "2.91 M", "-"), ("liquidate_4",)),
    Row("8 positions", ("5.81 M", "-", "855,064", "5.25 M", "-"), ("liquidate_8",)),
    Row(
        "whole account closed, 8 positions",
        ("5.81 M (a slice)", "-", "3.84 M", "8 x 5.2 M", "-"),
        ("close_out_8",),
    ),
    Row(
        "bad debt paid by insurance, 1 position",
        ("1.31 M", "-", "671,108", "1.20 M", "2.74 M"),
        ("bad_debt_1",),
    ),
    Row(
        "margin view, 1 position (execution)",
        ("143 k", "-", "58,711", "292 k", "198 k"),
        ("margin_view_1",),
    ),
    Row("4 positions", ("562 k", "-", "116,935", "983 k", "-"), ("margin_view_4",)),
    Row("8 positions", ("1.25 M", "-", "194,605", "1.90 M", "-"), ("margin_view_8",)),
    Row(
        "portfolio margin view, 8 positions, 32 scenarios or more",
        ("> 1.25 M", "-", "-", "-", "-"),
        ("portfolio_view_8",),
    ),
    Row(
        "index update",
        ("47,696", "42,079", "44,897 in a batch", "140,535", "in every execute"),
        ("index_update_3feeds",),
    ),
)
