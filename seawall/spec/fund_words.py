"""Packed words of the insurance fund: what an epoch has used of it. As `fund_words.vy`."""

from __future__ import annotations

from seawall.spec.words import Field, Word

#: One for all markets: number of the epoch, cash at its first payment, paid since; WAD.
USE = Word("use", (Field("epoch", 32), Field("start", 112), Field("used", 112)))
#: One per market; WAD.
MARKET_USE = Word("market_use", (Field("epoch", 32), Field("used", 112)))
#: Without a cap the sum of an epoch's payments stops here.
MOST_USED = 2**112 - 1
