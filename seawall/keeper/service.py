"""A keeper as a long-running program: made from settings, one round at a time."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping

from seawall.deployment import read_registry
from seawall.keeper.chain import Chain, Sign, SigningSender
from seawall.keeper.rounds import Keeper
from seawall.keeper.settings import SettingError, read_settings
from seawall.rpc import Rpc, RpcError
from seawall.spec.words import account_id


class Service:
    """Rounds for whoever calls at each block, from any thread."""

    def __init__(self, keeper: Keeper) -> None:
        """Wrap a keeper; the node is not asked yet."""
        self.keeper = keeper
        self._running = threading.Lock()

    def start(self) -> str:
        """Replay the events up to now. Returns a line for the log. Errors: RpcError, OSError."""
        with self._running:
            head = self.keeper.catch_up()
        mode = ", dry run" if self.keeper.policy.dry_run else ""
        count = len(self.keeper.index.accounts())
        return f"keeper {self.keeper.sender.address} at block {head}: {count} accounts open{mode}"

    def tick(self) -> str:
        """One round; a line for the log, empty where nothing was due or a round is running.

        An error of the node is told in the line: the next block tries again.
        """
        if not self._running.acquire(blocking=False):
            return ""
        try:
            report = self.keeper.round()
        except (RpcError, OSError, http.client.HTTPException) as error:
            return f"round given up: {error}"
        finally:
            self._running.release()
        return report.summary() if report.due or report.mined else ""


def make_service(
    environment: Mapping[str, str], network: str, url: str, address: str, sign: Sign
) -> Service:
    """A keeper with settings from the environment; `address` signs and owns the keeper account.

    Errors: SettingError, also where the registry is of another chain; DeploymentError.
    """
    settings = read_settings(environment, network)
    registry = read_registry(settings.registry)
    rpc = Rpc(url)
    chain_id = int(rpc.call("eth_chainId"), 16)
    if chain_id != registry["chain_id"]:
        raise SettingError(
            f"{settings.registry} is of chain {registry['chain_id']}, the node of {chain_id}"
        )
    chain = Chain(rpc, registry, account_id(address, settings.keeper_sub))
    sender = SigningSender(rpc, address, chain_id, sign, settings.max_gas_price)
    return Service(Keeper(chain, sender, settings.policy, registry["start_block"]))
