"""Liquidations alone: silverback run liquidator --network ethereum:devnet:node --account TEST::1"""

from __future__ import annotations

from seawall.keeper.bot import make_bot
from seawall.keeper.rounds import LIQUIDATE

bot = make_bot([LIQUIDATE])
