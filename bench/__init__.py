"""Whole-transaction gas of every operation a user or keeper pays for, measured on a local node."""
