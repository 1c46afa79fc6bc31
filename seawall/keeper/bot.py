"""A Silverback bot around a keeper.

Each block runs one round in a thread; a block that arrives while a round is running is skipped:
the next round reads the state anyway. Settings are environment variables (docs/keepers.md).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from ape import chain
from ape.logging import logger
from silverback import SilverbackBot, StateSnapshot

from seawall.keeper.service import make_service


def make_bot(jobs: Sequence[str]) -> SilverbackBot:
    """A bot that does these jobs unless the settings say otherwise. Errors: SettingError."""
    bot = SilverbackBot(signer_required=True)

    def sign(fields: dict[str, Any]) -> bytes:
        """Any account that Ape knows can sign: keyfiles and account plugins too."""
        transaction = bot.provider.network.ecosystem.create_transaction(type=0, **fields)
        return bytes(bot.signer.sign_transaction(transaction).serialize_transaction())

    service = make_service(
        os.environ,
        bot.identifier.network,
        bot.provider.http_uri,
        str(bot.signer.address),
        sign,
        jobs,
    )

    @bot.on_startup()
    async def start(state: StateSnapshot) -> None:
        """Replay the events up to now, so that the first block finds the index filled."""
        logger.info(await asyncio.to_thread(service.start))

    @bot.on_(chain.blocks)
    async def on_block(block: Any) -> None:
        """One round; the handler's own block does not matter, nor does its order."""
        for line in await asyncio.to_thread(service.tick):
            logger.info(line)

    return bot
