"""Processes report what they did, and nobody waits for one that has died."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.fuzz.campaign import PYREVM
from tests.fuzz.workers import Job, News, run_all, soak_worker

#: Enough for a process to start and to play a sequence.
SECONDS = 15


def die(queue: Any, name: str) -> None:
    """A worker that ends at once without a word."""
    os._exit(3)


def test_run_all_soak_worker_reports_its_tally_and_its_end() -> None:
    job = Job("one", soak_worker, (PYREVM, "test", time.time() + SECONDS))
    news: list[News] = list(run_all([job]))

    assert [one.steps for one in news if one.steps is not None] == []
    assert news[-1] == News("one", ended=True)
    tallies = [one.tally for one in news if one.tally is not None]
    assert tallies[-1].transactions > 100
    assert tallies[-1].examples > 0


def test_run_all_worker_that_dies_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="worker one ended with status 3"):
        list(run_all([Job("one", die, ())]))
