"""Which accounts have open legs, from the PositionChanged events of the Clearinghouse.

An event carries the whole size of a leg, so the last one of an account and market counts. The
newest blocks are read again at each catch-up: what a reorganisation removed is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Blocks that are read again: deeper reorganisations need a restart.
REORG_BLOCKS = 12


class PositionEvent(NamedTuple):
    """One PositionChanged: `size` is the signed WAD size after it."""

    block: int
    account: int
    market_id: int
    size: int


class AccountIndex:
    """Accounts with open legs as of a block; feed it by `advance` from `next_block` on."""

    def __init__(self, start_block: int, reorg_blocks: int = REORG_BLOCKS) -> None:
        """Start before the first event, at the registry's `start_block`."""
        self.next_block = start_block
        self._reorg_blocks = reorg_blocks
        self._settled: dict[int, set[int]] = {}
        self._recent: list[PositionEvent] = []

    def advance(self, events: Iterable[PositionEvent], head: int) -> set[int]:
        """Take all events of [next_block, head], in their order on the chain. Returns the accounts
        in them that hold no leg any more."""
        fresh = list(events)
        # The reread part never begins before what is already settled.
        border = max(self.next_block, head - self._reorg_blocks + 1)
        for event in fresh:
            if event.block < border:
                _apply(self._settled, event)
        self._recent = [event for event in fresh if event.block >= border]
        self.next_block = border
        return {event.account for event in fresh} - self._open_legs().keys()

    def accounts(self) -> list[int]:
        """Accounts that hold at least one leg, ascending."""
        return sorted(self._open_legs())

    def markets(self) -> set[int]:
        """Markets that somebody holds a leg of."""
        return set().union(*self._open_legs().values())

    def _open_legs(self) -> dict[int, set[int]]:
        """Markets by account, recent events included."""
        touched = {event.account for event in self._recent}
        open_legs = {one: set(self._settled.get(one, ())) for one in touched}
        for event in self._recent:
            _apply(open_legs, event)
        settled = {one: held for one, held in self._settled.items() if one not in touched}
        return settled | open_legs


def ranges(first: int, last: int, chunk: int) -> Iterator[tuple[int, int]]:
    """[first, last] cut into inclusive ranges of at most `chunk` blocks."""
    for start in range(first, last + 1, chunk):
        yield start, min(start + chunk - 1, last)


def _apply(legs: dict[int, set[int]], event: PositionEvent) -> None:
    held = legs.setdefault(event.account, set())
    if event.size:
        held.add(event.market_id)
    else:
        held.discard(event.market_id)
    if not held:
        del legs[event.account]
