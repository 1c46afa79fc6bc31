"""Lemmas over the reals and the integers, proved by z3: a file per topic."""
