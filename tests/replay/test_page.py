"""docs/oracle_replays.md shows what the replays give."""

from __future__ import annotations

from seawall.replay.cadence import Line, Lines
from seawall.replay.depeg import Depeg
from seawall.replay.flash import Night
from seawall.replay.gap import Gap
from seawall.replay.outage import Outage
from seawall.replay.split import Split
from seawall.replay.study import Study, tables
from seawall.replay.tables import PAGE, filled
from seawall.replay.venues import Venues


def test_page_tables_are_what_the_replays_give(
    okx: Outage,
    usdc: Depeg,
    sol: dict[str, Split],
    kraken: dict[str, Night],
    march: Venues,
    crash: Lines,
    grids: list[Line],
    calm: Lines,
    bouncing: Lines,
    gaps: dict[str, Gap],
) -> None:
    found = Study(okx, usdc, sol, kraken, march, crash, grids, calm, bouncing, gaps)
    assert PAGE.read_text() == filled(PAGE.read_text(), tables(found))
