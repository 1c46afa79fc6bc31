"""People of the bench: keys made from their names, so that every run has the same addresses."""

from __future__ import annotations

from functools import cached_property

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from seawall.spec.words import account_id


class Actor:
    """Someone with a key and a first margin account of his own."""

    def __init__(self, name: str) -> None:
        """Name the actor; the key is the hash of the name."""
        self.name = name

    @cached_property
    def signer(self) -> LocalAccount:
        """The key that signs orders."""
        return Account.from_key(bytes(keccak(text=f"seawall bench {self.name}")))

    @cached_property
    def address(self) -> str:
        """Checksummed address; the node sends for it without a signature."""
        return str(self.signer.address)

    @cached_property
    def account(self) -> int:
        """The margin account, sub-account 0."""
        return account_id(self.address)
