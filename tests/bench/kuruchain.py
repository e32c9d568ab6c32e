"""A local chain that holds recorded Kuru logs many times over: one emitter, and so one market, a repetition."""

from __future__ import annotations

import gzip
import itertools
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi import encode

from onchain.keccak import keccak256

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests/data/kuru/small_logs.jsonl.gz"
EMIT = "emit_all((bytes32,bytes)[])"
CONFIG = {
    "tick_raw": "10", "lot_raw": "10000000",
    "kuru": {"price_precision": "100", "size_precision": "10000000000", "spread_bps": "30"},
}  # fmt: skip


@dataclass
class Node:
    """A JSON-RPC node at `url`, asked plainly."""

    url: str

    def __post_init__(self) -> None:
        self._ids = itertools.count()

    def rpc(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)})
        request = urllib.request.Request(self.url, body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            decoded = json.load(answer)
        if "error" in decoded:
            raise RuntimeError(f"{method}: {decoded['error']}")
        return decoded["result"]


def recorded() -> list[tuple[bytes, bytes]]:
    """Return (topic, data) of the recorded market's own events, which have one topic each."""
    lines = gzip.decompress(LOGS.read_bytes()).splitlines()
    logs = [json.loads(line) for line in lines]
    return [
        (bytes.fromhex(log["topics"][0][2:]), bytes.fromhex(log["data"][2:])) for log in logs if len(log["topics"]) == 1
    ]


def emitter_code() -> str:
    from vyper.compiler import compile_code

    source = Path(__file__).with_name("emitter.vy").read_text()
    return compile_code(source, output_formats=["bytecode"])["bytecode"]


def calldata(entries: list[tuple[bytes, bytes]]) -> str:
    return "0x" + keccak256(EMIT.encode())[:4].hex() + encode(["(bytes32,bytes)[]"], [entries]).hex()


def deploy(node: Node, *, count: int) -> list[str]:
    """Deploy emitters in one block; returns their addresses."""
    sender, code = node.rpc("eth_accounts")[0], emitter_code()
    sent = [
        node.rpc("eth_sendTransaction", {"from": sender, "data": code, "gas": hex(10_000_000)}) for _ in range(count)
    ]
    node.rpc("evm_mine")
    return [node.rpc("eth_getTransactionReceipt", each)["contractAddress"].lower() for each in sent]


def emit(node: Node, *, emitters: list[str], logs: list[tuple[bytes, bytes]], per_block: int) -> None:
    """Let every emitter emit all of `logs`, `per_block` a block and transaction."""
    sender = node.rpc("eth_accounts")[0]
    data = [calldata(logs[start : start + per_block]) for start in range(0, len(logs), per_block)]
    for emitter in emitters:
        for each in data:
            node.rpc("eth_sendTransaction", {"from": sender, "to": emitter, "data": each, "gas": hex(400_000_000)})
            node.rpc("evm_mine")
