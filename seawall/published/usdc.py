"""Circle's USDC, version 2.2 behind its proxy, as on Ethereum: 6 decimals, a blacklist."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.client.contract import Contract
from seawall.published.artifacts import circle, deploy, transact
from seawall.rpc import Rpc

DECIMALS = 6
MOST = 2**256 - 1


@dataclass(frozen=True)
class Usdc:
    """The token; `issuer` is its owner, minter, pauser and blacklister."""

    rpc: Rpc
    token: Contract
    implementation: str
    issuer: str

    @property
    def address(self) -> str:
        """The proxy, which is the token for everyone."""
        return self.token.address

    def names(self) -> dict[str, str]:
        """Kind of contract by address in lower case, for traces."""
        kinds = {self.address: "FiatTokenProxy", self.implementation: "FiatTokenV2_2"}
        return {address.lower(): kind for address, kind in kinds.items()}

    def let_mint(self, minter: str) -> None:
        """Another address may mint without limit."""
        transact(self.rpc, self.issuer, self.token, "configureMinter", minter, MOST)

    def mint(self, receiver: str, amount: int) -> None:
        """New tokens (native units) for a receiver. Errors: PublishedError."""
        transact(self.rpc, self.issuer, self.token, "mint", receiver, amount)

    def set_blacklisted(self, holder: str, listed: bool) -> None:
        """A blacklisted holder neither sends, receives nor approves."""
        function = "blacklist" if listed else "unBlacklist"
        transact(self.rpc, self.issuer, self.token, function, holder)

    def set_paused(self, paused: bool) -> None:
        """While paused no token moves."""
        transact(self.rpc, self.issuer, self.token, "pause" if paused else "unpause")


def deploy_usdc(rpc: Rpc, admin: str, issuer: str) -> Usdc:
    """Library, implementation and proxy, initialised through every version up to 2.2.

    `admin` alone may upgrade the proxy and hence cannot use the token. Errors: PublishedError.
    """
    checker = deploy(rpc, admin, circle("util/SignatureChecker", "SignatureChecker"))
    libraries = {"SignatureChecker": checker.address}
    kind = circle("v2/FiatTokenV2_2", "FiatTokenV2_2")
    implementation = deploy(rpc, admin, kind, libraries=libraries)
    proxy = deploy(
        rpc, admin, circle("v1/FiatTokenProxy", "FiatTokenProxy"), implementation.address
    )
    usdc = Usdc(rpc, Contract(proxy.address, kind.abi), implementation.address, issuer)
    _initialize(usdc)
    usdc.let_mint(issuer)
    return usdc


def _initialize(usdc: Usdc) -> None:
    """The four initialisers, which anyone may call once, in their order."""
    rpc, token, issuer = usdc.rpc, usdc.token, usdc.issuer
    roles = [issuer] * 4
    transact(rpc, issuer, token, "initialize", "USD Coin", "USDC", "USD", DECIMALS, *roles)
    transact(rpc, issuer, token, "initializeV2", "USD Coin")
    # Tokens sent to the token itself before this version go to this receiver: there are none.
    transact(rpc, issuer, token, "initializeV2_1", issuer)
    transact(rpc, issuer, token, "initializeV2_2", [], "USDC")
