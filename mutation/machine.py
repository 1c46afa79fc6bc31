"""The random machine for mutants: sequences from a seed until enough transactions were sent.

No part of the project's own tests: those count what the machine reached. Here the first difference
between contracts and specification ends the run.
"""

from __future__ import annotations

import os

from mutation.targets import SEED, TRANSACTIONS
from tests.fuzz.creation import compiled
from tests.fuzz.explore import Tally, attempt, sequences
from tests.fuzz.furnish import furnished
from tests.fuzz.revm import Revm

LENGTH = 100


def test_machine_any_sequence_is_predicted() -> None:
    base, tally = furnished(Revm(compiled())), Tally("pyrevm")
    for steps in sequences(os.environ[SEED], LENGTH):
        attempt(base, steps, tally)
        if tally.transactions >= int(os.environ[TRANSACTIONS]):
            return
