"""Seawall: executable specification, node and client helpers, keepers and reports."""
