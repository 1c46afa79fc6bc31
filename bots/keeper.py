"""All jobs at once: silverback run keeper --network ethereum:devnet:node --account TEST::1"""

from __future__ import annotations

from seawall.keeper.bot import make_bot
from seawall.keeper.jobs import JOBS

bot = make_bot(JOBS)
