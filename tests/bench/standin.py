"""A stand-in JSON-RPC node: serves generated blocks with valid receipts roots, made when they are asked for.

python -m tests.bench.standin BLOCKS LOGS_A_BLOCK; prints its URL and the emitting contract's address.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from onchain.keccak import keccak256
from onchain.receipts import receipts_root
from tests.bench import kuruchain

ADDRESS = "0x" + "5e" * 20
FIRST_S = 1_790_000_000


class Chain:
    """Block n holds one transaction that emits the recorded logs from place n * per_block on, over and over."""

    def __init__(self, *, blocks: int, per_block: int) -> None:
        self.blocks, self.per_block, self.logs = blocks, per_block, kuruchain.recorded()

    def hash_of(self, number: int) -> str:
        return "0x" + keccak256(b"block %d" % number).hex()

    @lru_cache(maxsize=64)  # noqa: B019 - one chain a process
    def receipts(self, number: int) -> list[dict[str, Any]]:
        if number == 0:
            return []
        transaction = "0x" + keccak256(b"transaction %d" % number).hex()
        place = {"transactionHash": transaction, "transactionIndex": "0x0", "blockHash": self.hash_of(number),
                 "blockNumber": hex(number)}  # fmt: skip
        start = number * self.per_block
        logs = [
            {"address": ADDRESS, "topics": ["0x" + topic.hex()], "data": "0x" + data.hex(), "logIndex": hex(index),
             "removed": False, **place}
            for index, (topic, data) in enumerate(
                self.logs[(start + offset) % len(self.logs)] for offset in range(self.per_block)
            )
        ]  # fmt: skip
        return [{"type": "0x2", "status": "0x1", "cumulativeGasUsed": hex(21_000 * self.per_block),
                 "logsBloom": "0x" + "00" * 256, "logs": logs, **place}]  # fmt: skip

    @lru_cache(maxsize=4096)  # noqa: B019 - one chain a process
    def header(self, number: int) -> dict[str, Any] | None:
        if not 0 <= number <= self.blocks:
            return None
        return {"number": hex(number), "hash": self.hash_of(number), "parentHash": self.hash_of(number - 1),
                "receiptsRoot": receipts_root(self.receipts(number)), "timestamp": hex(FIRST_S + number)}  # fmt: skip

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return "0x7a69"
        if method == "eth_blockNumber":
            return hex(self.blocks)
        if method == "eth_getBlockByNumber":
            return self.header(self.blocks if params[0] == "finalized" else int(params[0], 16))
        if method == "eth_getBlockReceipts":
            return self.receipts(self.numbers[params[0]])
        raise KeyError(method)

    @property
    @lru_cache(maxsize=1)  # noqa: B019 - one chain a process
    def numbers(self) -> dict[str, int]:
        return {self.hash_of(number): number for number in range(self.blocks + 1)}


def serve(chain: Chain) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls = asked if isinstance(asked, list) else [asked]
            answers = [
                {"jsonrpc": "2.0", "id": call["id"], "result": chain.answer(call["method"], call["params"])}
                for call in calls
            ]
            body = json.dumps(answers if isinstance(asked, list) else answers[0], separators=(",", ":")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


if __name__ == "__main__":
    server = serve(Chain(blocks=int(sys.argv[1]), per_block=int(sys.argv[2])))
    print(f"http://127.0.0.1:{server.server_address[1]}\n{ADDRESS}", flush=True)
    server.serve_forever()
