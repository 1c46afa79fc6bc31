"""The local node and its JSON-RPC client, against a real anvil."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import node as node_module
from seawall.node import Node, NodeError, Rpc, RpcError, find_anvil, succeeded

ROOT = Path(__file__).resolve().parents[2]
GENESIS = 1_621_382_400

# Creation code that returns the runtime code which follows it (12 bytes long, length in byte 1).
CREATE = "60%02x600c60003960%02x6000f3"
# Stores the first word of the input in slot 0 and gives slot 0 back.
STORE = "5f35805f555f5260205ff3"
# Reverts with Error("no").
REVERT = "7f08c379a0" + "0" * 56 + "5f52602060045260026024527f6e6f" + "0" * 60 + "60445260645ffd"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node(chain_id=31339, timestamp=GENESIS) as running:
        yield running


@pytest.fixture
def rpc(node: Node) -> Iterator[Rpc]:
    client = node.rpc()
    before = client.snapshot()
    yield client
    client.revert(before)
    client.close()


def initcode(runtime: str) -> bytes:
    size = len(runtime) // 2
    return bytes.fromhex(CREATE % (size, size) + runtime)


def deploy(rpc: Rpc, runtime: str) -> str:
    receipt = rpc.send(rpc.accounts()[0], None, initcode(runtime))
    assert succeeded(receipt)
    return str(receipt["contractAddress"])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_node_entered_has_chain_id_and_genesis_time(rpc: Rpc) -> None:
    assert int(rpc.call("eth_chainId"), 16) == 31339
    assert int(rpc.call("eth_getBlockByNumber", "0x0", False)["timestamp"], 16) == GENESIS


def test_node_left_is_gone() -> None:
    with Node() as running:
        assert is_listening(running.port)
    assert not is_listening(running.port)


def test_node_left_by_exception_is_gone() -> None:
    running = Node()
    with pytest.raises(KeyError), running:
        raise KeyError("planned")
    assert not is_listening(running.port)


def test_node_owner_terminated_is_gone() -> None:
    script = (
        "import time\nfrom seawall.node import Node\n"
        "with Node() as n:\n    print(n.port, flush=True)\n    time.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    port = int(owner.stdout.readline())
    assert is_listening(port)
    os.kill(owner.pid, signal.SIGTERM)
    assert owner.wait(10) == 128 + signal.SIGTERM
    owner.stdout.close()
    assert not is_listening(port)


def test_node_on_taken_port_raises(node: Node) -> None:
    with pytest.raises(NodeError, match=f"port {node.port} is taken"), Node(port=node.port):
        pass


def test_node_with_bad_option_reports_words_of_anvil() -> None:
    with pytest.raises(NodeError, match="--no-such-option"), Node(options=["--no-such-option"]):
        pass


def test_node_with_block_time_mines_by_itself() -> None:
    with Node(block_time=1) as running:
        rpc = running.rpc()
        start = rpc.block_number()
        deadline = time.monotonic() + 5
        while rpc.block_number() == start and time.monotonic() < deadline:
            time.sleep(0.05)
        assert rpc.block_number() > start


def test_find_anvil_missing_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(node_module, "_ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeError, match="make setup"):
        find_anvil()


def test_send_deployment_returns_address_with_code(rpc: Rpc) -> None:
    target = deploy(rpc, STORE)
    assert rpc.call("eth_getCode", target, "latest") == "0x" + STORE


def test_view_after_send_sees_the_write(rpc: Rpc) -> None:
    target = deploy(rpc, STORE)
    sender = rpc.accounts()[1]
    for number in range(1, 40):
        word = number.to_bytes(32, "big")
        assert succeeded(rpc.send(sender, target, word))
        assert rpc.call("eth_getStorageAt", target, "0x0", "latest") == "0x" + word.hex()


def test_view_does_not_write(rpc: Rpc) -> None:
    target = deploy(rpc, STORE)
    assert int.from_bytes(rpc.view(target, (7).to_bytes(32, "big")), "big") == 7
    assert int(rpc.call("eth_getStorageAt", target, "0x0", "latest"), 16) == 0


def test_views_keep_the_order_asked(rpc: Rpc) -> None:
    target = deploy(rpc, STORE)
    words = [number.to_bytes(32, "big") for number in range(50)]
    assert rpc.views([(target, word) for word in words]) == words


def test_batch_empty_returns_nothing(rpc: Rpc) -> None:
    assert rpc.batch([]) == []


def test_batch_with_one_error_raises(rpc: Rpc) -> None:
    with pytest.raises(RpcError):
        rpc.batch([("eth_blockNumber", ()), ("no_such_method", ())])


def test_call_unknown_method_raises_with_code(rpc: Rpc) -> None:
    with pytest.raises(RpcError) as caught:
        rpc.call("no_such_method")
    assert caught.value.code == -32601


def test_view_reverted_gives_the_reason(rpc: Rpc) -> None:
    target = deploy(rpc, REVERT)
    with pytest.raises(RpcError) as caught:
        rpc.view(target, b"")
    assert caught.value.reason == "no"


def test_send_reverted_returns_failed_receipt(rpc: Rpc) -> None:
    receipt = rpc.send(rpc.accounts()[0], deploy(rpc, REVERT), b"", gas=100_000)
    assert not succeeded(receipt)
    assert rpc.explain(receipt) == "no"


def test_explain_bare_revert_is_empty(rpc: Rpc) -> None:
    receipt = rpc.send(rpc.accounts()[0], deploy(rpc, "5f5ffd"), b"", gas=100_000)
    assert rpc.explain(receipt) == ""


def test_send_unknown_sender_raises(rpc: Rpc) -> None:
    with pytest.raises(RpcError):
        rpc.send("0x" + "11" * 20, rpc.accounts()[0], b"")


def test_send_impersonated_sender_succeeds(rpc: Rpc) -> None:
    stranger = "0x" + "11" * 20
    rpc.impersonate(stranger)
    rpc.set_balance(stranger, 10**18)
    assert succeeded(rpc.send(stranger, rpc.accounts()[0], b"", value=10**17))
    assert int(rpc.call("eth_getBalance", stranger, "latest"), 16) == 9 * 10**17


def test_wait_unknown_transaction_times_out(rpc: Rpc) -> None:
    with pytest.raises(TimeoutError):
        rpc.wait("0x" + "22" * 32, timeout=0.05)


def test_revert_to_snapshot_restores_state(rpc: Rpc) -> None:
    target = deploy(rpc, STORE)
    before = rpc.snapshot()
    height = rpc.block_number()
    rpc.send(rpc.accounts()[0], target, (5).to_bytes(32, "big"))
    rpc.revert(before)
    assert rpc.block_number() == height
    assert int(rpc.call("eth_getStorageAt", target, "0x0", "latest"), 16) == 0


def test_revert_used_snapshot_raises(rpc: Rpc) -> None:
    before = rpc.snapshot()
    rpc.revert(before)
    with pytest.raises(RpcError, match="unknown snapshot"):
        rpc.revert(before)


def test_warp_moves_the_time_exactly(rpc: Rpc) -> None:
    start = rpc.timestamp()
    rpc.warp(3_600)
    assert rpc.timestamp() == start + 3_600


def test_set_block_interval_spaces_blocks(rpc: Rpc) -> None:
    rpc.mine()
    start = rpc.timestamp()
    rpc.set_block_interval(7)
    rpc.mine(3)
    assert rpc.timestamp() == start + 21
    rpc.call("anvil_removeBlockTimestampInterval")


def test_rpc_after_close_connects_again(rpc: Rpc) -> None:
    height = rpc.block_number()
    rpc.close()
    assert rpc.block_number() == height


def test_rpc_other_scheme_raises() -> None:
    with pytest.raises(ValueError, match="not an http or https address"):
        Rpc("ws://127.0.0.1:8545")
