"""Processes side by side: one per mutant, at most so many at a time."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from mutation.trial import TrialError

#: Seconds after which a mutant counts as noticed: it keeps the tests from ending.
PATIENCE = 900
PAUSE = 0.02

Answer = dict[str, Any]


@dataclass
class _Job:
    key: str
    pid: int
    file: Path
    began: float


class Crew:
    """Runs functions that answer with a dictionary; each leaves it in a file as it ends."""

    def __init__(self, size: int, folder: Path) -> None:
        self._size, self._folder = size, folder
        self._jobs: list[_Job] = []

    @property
    def busy(self) -> bool:
        """Whether any process runs."""
        return bool(self._jobs)

    @property
    def full(self) -> bool:
        """Whether one more has to wait."""
        return len(self._jobs) >= self._size

    def start(self, key: str, work: Callable[[], Answer]) -> None:
        """Begin in a process, and a process group, of its own."""
        file = self._folder / f"answer-{len(self._jobs)}-{monotonic():.6f}.json"
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            _answer(work, file)
        self._jobs.append(_Job(key, pid, file, monotonic()))

    def wait(self) -> list[tuple[str, Answer | None]]:
        """The jobs that ended since, at least one; None for one that ran too long.

        Errors: TrialError of a job, or if it died.
        """
        while True:
            done = [found for job in self._jobs if (found := self._ended(job))]
            if done or not self._jobs:
                return done
            sleep(PAUSE)

    def stop(self) -> None:
        """End what still runs."""
        for job in self._jobs:
            _end(job)
        self._jobs = []

    def _ended(self, job: _Job) -> tuple[str, Answer | None] | None:
        pid, _ = os.waitpid(job.pid, os.WNOHANG)
        if pid == 0:
            if monotonic() - job.began < PATIENCE:
                return None
            _end(job)
            self._forget(job)
            return job.key, None
        self._forget(job)
        if not job.file.is_file():
            raise TrialError(f"{job.key}: its process died")
        answer = json.loads(job.file.read_text())
        job.file.unlink()
        if "error" in answer:
            raise TrialError(f"{job.key}: {answer['error']}")
        return job.key, answer

    def _forget(self, job: _Job) -> None:
        self._jobs = [other for other in self._jobs if other.pid != job.pid]


def _answer(work: Callable[[], Answer], file: Path) -> None:
    """Never returns. What piles up goes with the process."""
    gc.disable()
    try:
        answer = work()
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps(answer))
    draft.replace(file)
    os._exit(0)


def _end(job: _Job) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(job.pid, 0)
