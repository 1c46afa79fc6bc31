"""What stops the bench."""

from __future__ import annotations


class BenchError(Exception):
    """A scene did not go as it says, or something it needs is missing."""
