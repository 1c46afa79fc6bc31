"""A keeper as a long-running program: made from settings, one round at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from seawall.deployment import read_registry
from seawall.keeper.chain import Chain
from seawall.keeper.jobs import Keeper
from seawall.keeper.outbox import told
from seawall.keeper.sender import Sign, SigningSender
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
        keeper = self.keeper
        count = len(keeper.watch.index.accounts())
        modes = [job.name for job in keeper.jobs] + ["dry run"] * keeper.policy.dry_run
        line = f"keeper {keeper.sender.address} at block {head}: {count} accounts open; "
        return line + ", ".join(modes)

    def tick(self) -> list[str]:
        """One round; lines for the log, none where nothing was to do or a round is running.

        An error, whatever it is, is told in a line: the next block tries again.
        """
        if not self._running.acquire(blocking=False):
            return []
        try:
            reports = self.keeper.round()
            return [line for one in reports if (line := one.summary())]
        except RpcError as error:
            return [f"round given up: {error}"]
        except Exception as error:
            return [f"round given up: {told(error)}"]
        finally:
            self._running.release()


def make_service(
    environment: Mapping[str, str],
    network: str,
    url: str,
    address: str,
    sign: Sign,
    jobs: Sequence[str],
) -> Service:
    """A keeper with settings from the environment; `address` signs and owns the keeper account.

    `jobs` are what it does unless the settings say otherwise. Errors: SettingError, also where the
    registry is of another chain; DeploymentError.
    """
    settings = read_settings(environment, network, jobs)
    registry = read_registry(settings.registry)
    rpc = Rpc(url)
    chain_id = int(rpc.call("eth_chainId"), 16)
    if chain_id != registry["chain_id"]:
        raise SettingError(
            f"{settings.registry} is of chain {registry['chain_id']}, the node of {chain_id}"
        )
    chain = Chain(rpc, registry, account_id(address, settings.keeper_sub))
    sender = SigningSender(rpc, address, chain_id, sign, settings.max_gas_price)
    keeper = Keeper(chain, sender, settings.policy, registry["start_block"], settings.jobs)
    return Service(keeper)
