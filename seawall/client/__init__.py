"""Typed access for bots and scripts: calldata and logs in `contract`, signed orders in `orders`,
signed prices in `reports`."""

from seawall.client.contract import Contract, ContractError, load_abi

__all__ = ["Contract", "ContractError", "load_abi"]
