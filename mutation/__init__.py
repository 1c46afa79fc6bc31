"""Mutation testing: the contracts with one small fault each, and whether the tests notice."""
