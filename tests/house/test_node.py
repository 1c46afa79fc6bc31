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
def own_node() -> Iterator[Node]:
    with Node(chain_id=31339, timestamp=GENESIS) as running:
        yield running


@pytest.fixture
def own_rpc(own_node: Node) -> Iterator[Rpc]:
    client = own_node.rpc()
    before = client.snapshot()
    yield client
    client.revert(before)
    client.close()


def initcode(runtime: str) -> bytes:
    size = len(runtime) // 2
    return bytes.fromhex(CREATE % (size, size) + runtime)


def deploy(own_rpc: Rpc, runtime: str) -> str:
    receipt = own_rpc.send(own_rpc.accounts()[0], None, initcode(runtime))
    assert succeeded(receipt)
    return str(receipt["contractAddress"])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_node_entered_has_chain_id_and_genesis_time(own_rpc: Rpc) -> None:
    assert int(own_rpc.call("eth_chainId"), 16) == 31339
    assert int(own_rpc.call("eth_getBlockByNumber", "0x0", False)["timestamp"], 16) == GENESIS


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


def test_node_on_taken_port_raises(own_node: Node) -> None:
    with pytest.raises(NodeError, match=f"port {own_node.port} is taken"), Node(port=own_node.port):
        pass


def test_node_with_bad_option_reports_words_of_anvil() -> None:
    with pytest.raises(NodeError, match="--no-such-option"), Node(options=["--no-such-option"]):
        pass


def test_node_with_block_time_mines_by_itself() -> None:
    with Node(block_time=1) as running:
        own_rpc = running.rpc()
        start = own_rpc.block_number()
        deadline = time.monotonic() + 5
        while own_rpc.block_number() == start and time.monotonic() < deadline:
            time.sleep(0.05)
        assert own_rpc.block_number() > start


def test_find_anvil_missing_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(node_module, "_ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeError, match="make setup"):
        find_anvil()


def test_send_deployment_returns_address_with_code(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, STORE)
    assert own_rpc.call("eth_getCode", target, "latest") == "0x" + STORE


def test_view_after_send_sees_the_write(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, STORE)
    sender = own_rpc.accounts()[1]
    for number in range(1, 40):
        word = number.to_bytes(32, "big")
        assert succeeded(own_rpc.send(sender, target, word))
        assert own_rpc.call("eth_getStorageAt", target, "0x0", "latest") == "0x" + word.hex()


def test_view_does_not_write(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, STORE)
    assert int.from_bytes(own_rpc.view(target, (7).to_bytes(32, "big")), "big") == 7
    assert int(own_rpc.call("eth_getStorageAt", target, "0x0", "latest"), 16) == 0


def test_views_keep_the_order_asked(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, STORE)
    words = [number.to_bytes(32, "big") for number in range(50)]
    assert own_rpc.views([(target, word) for word in words]) == words


def test_batch_empty_returns_nothing(own_rpc: Rpc) -> None:
    assert own_rpc.batch([]) == []


def test_batch_with_one_error_raises(own_rpc: Rpc) -> None:
    with pytest.raises(RpcError):
        own_rpc.batch([("eth_blockNumber", ()), ("no_such_method", ())])


def test_call_unknown_method_raises_with_code(own_rpc: Rpc) -> None:
    with pytest.raises(RpcError) as caught:
        own_rpc.call("no_such_method")
    assert caught.value.code == -32601


def test_view_reverted_gives_the_reason(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, REVERT)
    with pytest.raises(RpcError) as caught:
        own_rpc.view(target, b"")
    assert caught.value.reason == "no"


def test_send_reverted_returns_failed_receipt(own_rpc: Rpc) -> None:
    receipt = own_rpc.send(own_rpc.accounts()[0], deploy(own_rpc, REVERT), b"", gas=100_000)
    assert not succeeded(receipt)
    assert own_rpc.explain(receipt) == "no"


def test_explain_bare_revert_is_empty(own_rpc: Rpc) -> None:
    receipt = own_rpc.send(own_rpc.accounts()[0], deploy(own_rpc, "5f5ffd"), b"", gas=100_000)
    assert own_rpc.explain(receipt) == ""


def test_send_unknown_sender_raises(own_rpc: Rpc) -> None:
    with pytest.raises(RpcError):
        own_rpc.send("0x" + "11" * 20, own_rpc.accounts()[0], b"")


def test_send_impersonated_sender_succeeds(own_rpc: Rpc) -> None:
    stranger = "0x" + "11" * 20
    own_rpc.impersonate(stranger)
    own_rpc.set_balance(stranger, 10**18)
    assert succeeded(own_rpc.send(stranger, own_rpc.accounts()[0], b"", value=10**17))
    assert int(own_rpc.call("eth_getBalance", stranger, "latest"), 16) == 9 * 10**17


def test_wait_unknown_transaction_times_out(own_rpc: Rpc) -> None:
    with pytest.raises(TimeoutError):
        own_rpc.wait("0x" + "22" * 32, timeout=0.05)


def test_revert_to_snapshot_restores_state(own_rpc: Rpc) -> None:
    target = deploy(own_rpc, STORE)
    before = own_rpc.snapshot()
    height = own_rpc.block_number()
    own_rpc.send(own_rpc.accounts()[0], target, (5).to_bytes(32, "big"))
    own_rpc.revert(before)
    assert own_rpc.block_number() == height
    assert int(own_rpc.call("eth_getStorageAt", target, "0x0", "latest"), 16) == 0


def test_revert_used_snapshot_raises(own_rpc: Rpc) -> None:
    before = own_rpc.snapshot()
    own_rpc.revert(before)
    with pytest.raises(RpcError, match="unknown snapshot"):
        own_rpc.revert(before)


def test_warp_moves_the_time_exactly(own_rpc: Rpc) -> None:
    start = own_rpc.timestamp()
    own_rpc.warp(3_600)
    assert own_rpc.timestamp() == start + 3_600


def test_set_block_interval_spaces_blocks(own_rpc: Rpc) -> None:
    own_rpc.mine()
    start = own_rpc.timestamp()
    own_rpc.set_block_interval(7)
    own_rpc.mine(3)
    assert own_rpc.timestamp() == start + 21
    own_rpc.call("anvil_removeBlockTimestampInterval")


def test_rpc_after_close_connects_again(own_rpc: Rpc) -> None:
    height = own_rpc.block_number()
    own_rpc.close()
    assert own_rpc.block_number() == height


def test_rpc_other_scheme_raises() -> None:
    with pytest.raises(ValueError, match="not an http or https address"):
        Rpc("ws://127.0.0.1:8545")
