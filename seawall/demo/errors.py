"""What the demo says when it cannot go on."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot run or a promise was broken; the message says what to do or what is wrong."""
