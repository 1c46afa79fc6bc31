"""Runs in processes of their own, one per core, with one queue for what they report."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Any

from tests.fuzz.campaign import CHAINS, run_shard
from tests.fuzz.explore import FailureError, Step, Tally, attempt, minimised, sequences
from tests.fuzz.furnish import furnished

#: Spawned: a forked process would share the parent's node connections.
SPAWN = multiprocessing.get_context("spawn")
REPORT_SECONDS = 1.0
SOAK_STEPS = 300


@dataclass(frozen=True)
class News:
    """From one worker: its tally so far, a failure, or that it has ended."""

    worker: str
    tally: Tally | None = None
    steps: list[Step] | None = None
    reason: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Job:
    """A worker's name, its function, and what it is given besides the queue and the name."""

    name: str
    function: Callable[..., None]
    arguments: tuple[Any, ...]


def cores() -> int:
    """How many processes run beside each other."""
    return max(1, len(os.sched_getaffinity(0)))


def shard_worker(queue: Any, name: str, backend: str, number: int) -> None:
    """The sequences of one seed."""
    reported = 0.0

    def progress(tally: Tally) -> None:
        nonlocal reported
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            queue.put(News(name, tally=tally))

    try:
        with CHAINS[backend]() as chain:
            queue.put(News(name, tally=run_shard(chain, backend, number, progress)))
    except FailureError as failure:
        queue.put(News(name, steps=failure.steps, reason=failure.reason))
    finally:
        queue.put(News(name, ended=True))


def soak_worker(queue: Any, name: str, backend: str, text: str, until: float) -> None:
    """Fresh sequences until a time (unix seconds); failures are cut short and reported."""
    tally, reported = Tally(backend), 0.0
    try:
        with CHAINS[backend]() as chain:
            base = furnished(chain)
            for steps in sequences(text, SOAK_STEPS):
                if time.time() > until:
                    break
                try:
                    attempt(base, steps, tally)
                except FailureError as failure:
                    shorter = minimised(base, failure)
                    queue.put(News(name, steps=shorter.steps, reason=shorter.reason))
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    queue.put(News(name, tally=tally))
        queue.put(News(name, tally=tally))
    finally:
        queue.put(News(name, ended=True))


def run_all(jobs: list[Job]) -> Iterator[News]:
    """Run jobs, as many at once as there are cores, and pass on what they report.

    Errors: RuntimeError if a worker dies without a word.
    """
    queue = SPAWN.Queue()
    waiting, running = list(jobs), dict[str, BaseProcess]()
    while waiting or running:
        while waiting and len(running) < cores():
            job = waiting.pop(0)
            process = SPAWN.Process(target=job.function, args=(queue, job.name, *job.arguments))
            process.start()
            running[job.name] = process
        try:
            news: News = queue.get(timeout=REPORT_SECONDS)
        except Empty:
            _check_alive(running)
            continue
        yield news
        if news.ended:
            running.pop(news.worker).join()


def _check_alive(running: dict[str, BaseProcess]) -> None:
    for name, process in running.items():
        if process.exitcode:
            raise RuntimeError(f"worker {name} ended with status {process.exitcode}")
