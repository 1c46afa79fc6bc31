"""The lemmas hold, and what judges them notices what is wrong. They run where `make prove` has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-proofs" / "bin" / "python"

pytestmark = pytest.mark.skipif(
    not PYTHON.is_file(), reason="no environment for the proofs: run make prove once"
)

JUDGED = """
import z3
from proofs.lemmas.claim import Claim, Falsehood, ProofError, judge
x = z3.Real("x")
wrong = Falsehood("x > 0 says x > 1", [x > 0], x > 1)
try:
    judge({claim})
except ProofError as error:
    print(error)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The proofs' own interpreter, from the root of the project."""
    command = [str(PYTHON), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_lemmas_over_the_reals_all_hold() -> None:
    ended = run("-m", "proofs", "--lemmas")

    assert ended.returncode == 0, ended.stdout
    assert "NOT PROVED" not in ended.stdout


def test_names_that_select_nothing_fail() -> None:
    assert run("-m", "proofs", "--lemmas", "no such lemma").returncode == 1


@pytest.mark.parametrize(
    ("claim", "complaint"),
    [
        ("Claim([x > 0], [x > 0], [wrong])", ""),
        ("Claim([x > 0], [x > 1], [wrong])", "counterexample"),
        ("Claim([x > 0, x < 0], [x > 1], [wrong])", "what is given contradicts itself"),
        ("Claim([x > 2], [x > 1], [])", "no falsehood is planted"),
        ("Claim([x > 2], [x > 1], [Falsehood('true', [x > 2], x > 1)])", "planted falsehood holds"),
    ],
)
def test_judge_complains_of_what_is_wrong(claim: str, complaint: str) -> None:
    ended = run("-c", JUDGED.format(claim=claim))

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip().startswith(complaint)
    assert bool(ended.stdout.strip()) == bool(complaint)
