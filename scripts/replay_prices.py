"""Drive indices through recorded prices and write the tables of docs/oracle_replays.md.

Run as `python -m scripts.replay_prices`; `--check` only compares. Status 1 where a table is not
what the replays give or the windows are absent. Every word but those of whole days at two seconds
is made by the contract and the specification side by side.
"""

from __future__ import annotations

import argparse
import sys

from seawall.replay.study import study, tables
from seawall.replay.tables import PAGE, filled
from seawall.replay.windows import VARIABLE, folder, is_present
from tests.replay.twin import Twin


def main(arguments: list[str] | None = None) -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(prog="scripts.replay_prices", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    if not is_present():
        print(f"replays: no price windows in {folder()}; set {VARIABLE}", file=sys.stderr)
        return 1
    before = PAGE.read_text()
    after = filled(before, tables(study(Twin)))
    print(f"replays: {Twin.compared:,} words, contract and specification alike")
    if options.check:
        return int(before != after)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
