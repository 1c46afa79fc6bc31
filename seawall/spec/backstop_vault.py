"""The Backstop's vault: the specification of `contracts/BackstopVault.vy`.

An :class:`ExitVault` whose `cash` (WAD) is what the Backstop has not allotted. It is worth what the
Backstop's `nav` says: at favourable ends for who enters, at adverse ends for who leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

from seawall.spec.exit_vault import ExitVault


@dataclass
class BackstopVault(ExitVault):
    """State of the vault; `adverse` and `favourable` are WAD."""

    adverse: int = 0
    favourable: int = 0

    @property
    def worth_in(self) -> int:
        """Native units, rounded down: the virtual unit covers the rest."""
        return self.favourable // self.scale

    @property
    def worth_out(self) -> int:
        """Native units, rounded down."""
        return self.adverse // self.scale
