"""The fuzz: `python -m scripts.fuzz run | soak | replay | hunt`.

`run` is the usual size from fixed seeds on both backends, `soak` fresh seeds for some minutes,
`replay` plays a kept failure on a node of Ape's and shows the trace of its last call, `hunt` looks
for one failure in a few transactions and says no more than that.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.fuzz.anvil import Anvil
from tests.fuzz.ape_node import ape_node
from tests.fuzz.campaign import ANVIL, PYREVM, SHARDS, lacking, pyrevm_chain
from tests.fuzz.creation import compiled
from tests.fuzz.explore import FailureError, Tally, attempt, load_steps, sequences
from tests.fuzz.furnish import furnished
from tests.fuzz.report import (
    FAILURES,
    console,
    progress,
    progress_line,
    summary_table,
    write_soak,
    write_summary,
)
from tests.fuzz.workers import Job, News, cores, run_all, shard_worker, soak_worker

HUNT_STEPS = 120
SHOWN_LINES = 12
SHOWN_LETTERS = 60


def keep_failure(news: News) -> str:
    """Write a failure; a line that says where and how to see it again."""
    path = FAILURES / f"{news.worker}-{int(time.time())}-{len(news.steps or [])}.json"
    FailureError(news.steps or [], news.reason).save(path)
    first = "\n".join(news.reason.splitlines()[:SHOWN_LINES])
    return f"{first}\n{len(news.steps or [])} steps; make replay FILE={path}"


def run_backend(backend: str) -> tuple[Tally, list[str]]:
    """All seeds of one backend; its tally, and its failures."""
    shards, _ = SHARDS[backend]
    jobs = [Job(f"{backend}-{n}", shard_worker, (backend, n)) for n in range(shards)]
    started, latest = time.monotonic(), dict[str, Tally]()
    failures = []
    with progress(console(), backend) as show:
        for news in run_all(jobs):
            if news.tally is not None:
                latest[news.worker] = news.tally
            if news.steps is not None:
                failures.append(keep_failure(news))
            show(progress_line(latest.values(), time.monotonic() - started))
    total = Tally(backend)
    for tally in latest.values():
        total.add(tally)
    total.seconds = time.monotonic() - started
    return total, failures


def run() -> int:
    """Both backends; status 1 for a violation or a rule that hardly ever succeeds."""
    tallies, failures = [], []
    for backend in (PYREVM, ANVIL):
        tally, found = run_backend(backend)
        tallies.append(tally)
        failures += found
    write_summary(tallies)
    screen = console()
    screen.print(summary_table(tallies, len(failures)))
    missing = [f"{tally.backend}: {line}" for tally in tallies for line in lacking(tally)]
    for line in failures + missing:
        screen.print(line, style="red", markup=False, soft_wrap=True)
    return 1 if failures or missing else 0


def soak(minutes: float) -> int:
    """Fresh seeds on pyrevm, a process per core."""
    text, until = secrets.token_hex(8), time.time() + 60 * minutes
    jobs = [Job(f"soak-{n}", soak_worker, (PYREVM, f"{text} {n}", until)) for n in range(cores())]
    started, latest, failures = time.monotonic(), dict[str, Tally](), 0
    screen, total = console(), Tally(PYREVM)
    screen.print(f"seed {text}, {len(jobs)} processes, {minutes:g} minutes")
    with progress(screen, "soak") as show:
        for news in run_all(jobs):
            if news.tally is not None:
                latest[news.worker] = news.tally
            if news.steps is not None:
                failures += 1
                screen.print(keep_failure(news), style="red", markup=False, soft_wrap=True)
            line = progress_line(latest.values(), time.monotonic() - started)
            show(f"{line}, {failures} violations")
            total = _sum(latest.values(), time.monotonic() - started)
            # Every time, so that a soak which is stopped early has its summary too.
            write_soak(text, total, failures)
    screen.print(summary_table([total], failures))
    return 1 if failures else 0


def _sum(tallies: Iterable[Tally], seconds: float) -> Tally:
    """All processes' tallies as one, after so many seconds."""
    total = Tally(PYREVM)
    for tally in tallies:
        total.add(tally)
    total.seconds = seconds
    return total


def replay(path: Path) -> int:
    """Play a kept sequence on a node of Ape's; status 1 and a trace of the call that fails."""
    from ape import project

    screen = console()
    with ape_node(step_traces=True) as provider:
        chain = Anvil(compiled(), str(provider.http_uri))
        base = furnished(chain)
        for address, name in chain.contracts.items():
            provider.chain_manager.contracts.cache_deployment(getattr(project, name).at(address))
        try:
            attempt(base, load_steps(path))
        except FailureError as failure:
            screen.print(failure.reason, markup=False, soft_wrap=True)
            _show_trace(provider, chain)
            return 1
    screen.print("the sequence holds on this node")
    return 0


def _show_trace(provider: Any, chain: Anvil) -> None:
    print(f"trace of {chain.last_transaction}, the latest transaction:")
    provider.get_transaction_trace(chain.last_transaction).show()


def hunt(seed: str, transactions: int) -> int:
    """Status 1 and a reason as soon as a sequence fails within so many transactions."""
    tally = Tally(PYREVM)
    with pyrevm_chain() as chain:
        try:
            base = furnished(chain)
            for steps in sequences(seed, HUNT_STEPS):
                if tally.transactions >= transactions:
                    break
                attempt(base, steps, tally)
        except AssertionError as failure:
            what = str(failure).splitlines()[0].partition(": ")[2][:SHOWN_LETTERS]
            print(f"caught after {tally.transactions} transactions: {what}")
            return 1
    print(f"{tally.transactions} transactions, nothing found")
    return 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run")
    commands.add_parser("soak").add_argument("minutes", type=float)
    commands.add_parser("replay").add_argument("file", type=Path)
    hunted = commands.add_parser("hunt")
    hunted.add_argument("--seed", default="hunt")
    hunted.add_argument("--transactions", type=int, default=5_000)
    chosen = parser.parse_args()
    if chosen.command == "run":
        return run()
    if chosen.command == "soak":
        return soak(chosen.minutes)
    if chosen.command == "replay":
        return replay(chosen.file)
    return hunt(chosen.seed, chosen.transactions)


if __name__ == "__main__":
    sys.exit(main())
