"""Typed access for bots and scripts."""
