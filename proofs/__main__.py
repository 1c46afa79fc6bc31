"""Run every lemma and every proof on bytecode, and print one table; status 1 unless all hold.

`python -m proofs --lemmas` leaves the bytecode out; words after it select by name.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import pkgutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import proofs.lemmas
from proofs.lemmas import claim

#: Seconds after which a task is given up, however the solver counts its own time.
LEMMA_LIMIT = 120
BYTECODE_LIMIT = 500


@dataclass(frozen=True)
class Task:
    """Something to prove or refute, in a process of its own."""

    kind: str
    name: str
    words: str
    limit: int
    run: Callable[[], str]


@dataclass(frozen=True)
class Answer:
    """How a task ended."""

    task: Task
    seconds: float
    proved: bool
    text: str


def lemmas() -> list[Task]:
    """The statements over the reals and the integers."""
    _import_all(proofs.lemmas.__path__, proofs.lemmas.__name__)
    return [
        Task("reals", one.name, one.words, LEMMA_LIMIT, partial(_judge, one))
        for one in claim.LEMMAS
    ]


def _judge(one: claim.Lemma) -> str:
    return claim.judge(one.state())


def bytecode_proofs() -> list[Task]:
    """The statements about bytecode, each followed by its planted bugs."""
    import proofs.bytecode
    from proofs.bytecode import code, judge

    def shipped(one: judge.Proof) -> str:
        return one.run(code.shipped(list(one.contracts)))

    def planted(one: judge.Proof, plant: judge.Plant) -> str:
        judge.SEARCH.refuting = True
        creations = code.shipped(list(one.contracts)) | {plant.contract: code.with_bug(plant)}
        try:
            one.run(creations)
        except judge.RefutedError:
            return "refuted, as it must be"
        raise claim.ProofError("the planted bug passes")

    _import_all(proofs.bytecode.__path__, proofs.bytecode.__name__)
    made = []
    for one in judge.PROOFS:
        made.append(Task("bytecode", one.name, one.words, BYTECODE_LIMIT, partial(shipped, one)))
        made += [
            Task(
                "plant",
                one.name,
                f"planted: {plant.words}",
                BYTECODE_LIMIT,
                partial(planted, one, plant),
            )
            for plant in one.planted
        ]
    return made


def _import_all(paths: list[str], package: str) -> None:
    for module in pkgutil.iter_modules(paths):
        importlib.import_module(f"{package}.{module.name}")


def _work(task: Task, answers: Connection) -> None:
    try:
        answers.send((True, task.run()))
    except Exception as error:
        answers.send((False, f"{type(error).__name__}: {error}"))


def answer(task: Task) -> Answer:
    """Run a task in a process that can be stopped: a solver does not always keep its own limit."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("fork").Process(target=_work, args=(task, sender))
    start = time.monotonic()
    worker.start()
    sender.close()
    try:
        proved, text = receiver.recv() if receiver.poll(task.limit) else (False, "timed out")
    except EOFError:
        proved, text = False, "died"
    worker.kill()
    worker.join()
    return Answer(task, time.monotonic() - start, proved, text)


def table(answers: list[Answer]) -> Table:
    """A row for each task."""
    made = Table(title="Machine-checked statements")
    for heading in ("on", "statement", "says", "seconds", "result"):
        made.add_column(heading, justify="right" if heading == "seconds" else "left")
    for one in answers:
        colour = "green" if one.proved else "red"
        verdict = one.text if one.proved else f"NOT PROVED: {one.text}"
        cells = (one.task.kind, one.task.name, one.task.words, f"{one.seconds:.1f}")
        made.add_row(*cells, f"[{colour}]{verdict}[/]")
    return made


def main() -> int:
    """Prove everything that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    parser.add_argument("--lemmas", action="store_true", help="leave the bytecode out")
    parser.add_argument("names", nargs="*", help="run statements with one of these in their name")
    options = parser.parse_args()
    tasks = lemmas() + ([] if options.lemmas else bytecode_proofs())
    if options.names:
        tasks = [task for task in tasks if any(name in task.name for name in options.names)]
    # The slow ones first, so that none of them runs alone at the end.
    order = sorted(tasks, key=lambda task: -task.limit)
    console = Console(width=None if sys.stdout.isatty() else 200)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("proving", total=len(tasks))
        found = {}
        with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
            for one in workers.map(answer, order):
                found[id(one.task)] = one
                progress.advance(bar)
    answers = [found[id(task)] for task in tasks]
    console.print(table(answers))
    failed = sum(not one.proved for one in answers)
    console.print(f"{len(answers) - failed} of {len(answers)} hold" if answers else "nothing asked")
    return 1 if failed or not answers else 0


if __name__ == "__main__":
    sys.exit(main())
