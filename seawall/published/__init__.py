"""Contracts of others as users meet them on a chain, from the bytecode their makers published."""
