"""Liquidator: silverback run liquidator --network ethereum:devnet:node --account TEST::1

Settings are environment variables (docs/keepers.md). Each block runs one keeper round in a thread;
a block that arrives while a round is running is skipped: the next round reads the state anyway.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from ape import chain
from ape.logging import logger
from silverback import SilverbackBot, StateSnapshot

from seawall.keeper.service import make_service

bot = SilverbackBot(signer_required=True)


def sign(fields: dict[str, Any]) -> bytes:
    """Any account that Ape knows can sign: keyfiles and account plugins too."""
    transaction = bot.provider.network.ecosystem.create_transaction(type=0, **fields)
    return bytes(bot.signer.sign_transaction(transaction).serialize_transaction())


service = make_service(
    os.environ, bot.identifier.network, bot.provider.http_uri, str(bot.signer.address), sign
)


@bot.on_startup()
async def start(state: StateSnapshot) -> None:
    """Replay the events up to now, so that the first block finds the index filled."""
    logger.info(await asyncio.to_thread(service.start))


@bot.on_(chain.blocks)
async def on_block(block: Any) -> None:
    """One round; the handler's own block does not matter, nor does its order."""
    if summary := await asyncio.to_thread(service.tick):
        logger.info(summary)
