"""Liquidations and close-outs alone:
silverback run liquidator --network ethereum:devnet:node --account TEST::1"""

from __future__ import annotations

from seawall.keeper.bot import make_bot
from seawall.keeper.rounds import CLOSE_OUT, LIQUIDATE

bot = make_bot([LIQUIDATE, CLOSE_OUT])
