"""A signed report feed beside its specification: what one refuses the other must refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from seawall.client.contract import Contract, load_abi
from seawall.client.reports import ReportDomain, order_signatures, sign
from seawall.rpc import Receipt, Rpc, succeeded
from seawall.spec.feeds import Report, ReportFeed
from seawall.spec.oracle import Reading
from seawall.spec.state import Reverted
from seawall.spec.words import WAD

Pair = tuple[LocalAccount, bytes]


class Refused(Exception):  # noqa: N818 - an outcome of the rules
    """The contract's reason."""


def number_of(key: LocalAccount) -> int:
    """Address as a number."""
    return int(str(key.address), 16)


class Team:
    """Signers, their feed on the node, and the specification of it."""

    def __init__(
        self,
        node: Rpc,
        feed: Any,
        owner: Any,
        keys: Sequence[LocalAccount],
        threshold: int,
        chain_id: int,
    ) -> None:
        self.node, self.keys, self.threshold = node, list(keys), threshold
        self.address, self.owner = str(feed.address), str(owner.address)
        self.feed = Contract(self.address, load_abi("SignedReportFeed"))
        self.domain = ReportDomain(chain_id, self.address)
        self.spec = ReportFeed((), 0).set_signers([number_of(key) for key in keys], threshold)

    def report(self, dollars: int = 3_000, age: int = 0, half_width: int = 5) -> Report:
        """A report `age` seconds before the latest block."""
        return Report(dollars * WAD, half_width, self.node.timestamp() - age)

    def signed(self, report: Report, keys: Sequence[LocalAccount]) -> list[Pair]:
        """Signatures in the order of the keys."""
        return [(key, sign(report, self.domain, key)) for key in keys]

    def submit(self, report: Report, pairs: Sequence[Pair], sender: Any = None) -> Receipt:
        """Bring a report, in the contract and in the specification. Errors: Refused."""
        args = (report.price, report.half_width, report.published_at, [one for _, one in pairs])
        sent = self._send(sender, "submit", *args)
        # A refusal is judged at the time of the block that it would have stood in.
        now = self.node.timestamp()
        self._follow(sent, lambda: self.spec.submit(report, [number_of(k) for k, _ in pairs], now))
        return sent[0]

    def bring(self, report: Report, keys: Sequence[LocalAccount] | None = None) -> Receipt:
        """Bring a report with the signatures that it takes, or of these keys."""
        chosen = self.keys[: self.threshold] if keys is None else keys
        pairs = self.signed(report, sorted(chosen, key=number_of))
        return self.submit(report, pairs)

    def set_signers(self, keys: Sequence[LocalAccount], threshold: int) -> Receipt:
        """The owner replaces signers. Errors: Refused."""
        addresses = [str(key.address) for key in keys]
        sent = self._send(None, "set_signers", addresses, threshold)
        numbers = [number_of(key) for key in keys]
        self._follow(sent, lambda: self.spec.set_signers(numbers, threshold))
        self.keys, self.threshold = list(keys), threshold
        return sent[0]

    def latest(self) -> Reading:
        """What the feed answers, which must be what the specification says."""
        reading = Reading(*self.ask("latest"))
        assert reading == self.spec.latest()
        assert self.ask("published_at") == self.spec.report.published_at
        return reading

    def ask(self, function: str, *args: Any) -> Any:
        """Answer of a view."""
        return self.feed.decode(
            function, self.node.view(self.address, self.feed.encode(function, *args))
        )

    def send(self, sender: Any, function: str, *args: Any) -> Receipt:
        """A transaction past the specification. Errors: Refused."""
        receipt, reason = self._send(sender, function, *args)
        if reason is not None:
            raise Refused(reason)
        return receipt

    def _send(self, sender: Any, function: str, *args: Any) -> tuple[Receipt, str | None]:
        from_ = self.owner if sender is None else str(sender.address)
        receipt = self.node.send(from_, self.address, self.feed.encode(function, *args))
        reason = None if succeeded(receipt) else self.node.explain(receipt)
        return receipt, reason

    def _follow(self, sent: tuple[Receipt, str | None], step: Any) -> None:
        """Take the specification along. Errors: Refused when both refuse for the same reason."""
        reason = sent[1]
        if reason is None:
            self.spec = step()
            return
        with pytest.raises(Reverted) as found:
            step()
        assert found.value.reason == reason
        raise Refused(reason)


def by_signer(pairs: Sequence[Pair]) -> list[bytes]:
    """Signatures in the contract's order, through the client's own helper."""
    return order_signatures((str(key.address), signature) for key, signature in pairs)
