"""What keeps the protocol safe from outside: liquidations, close-outs, purchases of collateral,
margin calls, parameters that follow.

`planning`, `closing`, `purchases`, `upkeep` and `index` are data in, data out; `chain` asks a node,
`sender` and `outbox` send; `rounds`, `closer` and `chores` put them together, `jobs` makes one
keeper of them.
"""

from seawall.keeper.chain import Chain
from seawall.keeper.index import AccountIndex, PositionEvent
from seawall.keeper.jobs import JOBS, Keeper
from seawall.keeper.planning import Candidate, KeeperMargin, Limits, Row, due, plan
from seawall.keeper.rounds import Policy, Report
from seawall.keeper.sender import SigningSender, UnlockedSender

__all__ = [
    "JOBS",
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
