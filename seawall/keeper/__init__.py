"""Finding, planning and sending liquidations.

`planning` and `index` are data in, data out; `chain` talks to a node; `rounds` puts them together.
"""

from seawall.keeper.chain import Chain, SigningSender, UnlockedSender
from seawall.keeper.index import AccountIndex, PositionEvent
from seawall.keeper.planning import Candidate, KeeperMargin, Limits, Row, due, plan
from seawall.keeper.rounds import Keeper, Policy, Report

__all__ = [
    "AccountIndex",
    "Candidate",
    "Chain",
    "Keeper",
    "KeeperMargin",
    "Limits",
    "Policy",
    "PositionEvent",
    "Report",
    "Row",
    "SigningSender",
    "UnlockedSender",
    "due",
    "plan",
]
