"""Statements about compiled bytecode, proved by symbolic execution with halmos."""
