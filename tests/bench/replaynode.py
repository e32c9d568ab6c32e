"""A node that replays order flow in real time: blocks with valid receipts roots appear as their time comes.

python -m tests.bench.replaynode EVENTS_A_SECOND BLOCKS_A_SECOND MARKETS MAKERS; prints its HTTP and WebSocket URLs and
the second in which its first block is. The flow is the demo exchange's: makers who replace their quotes one after the
other, and a taker. The same arguments give the same orders; blocks are made again when somebody asks for old ones.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import time
from functools import lru_cache
from typing import Any, NamedTuple

from onchain.keccak import keccak256
from onchain.receipts import receipts_root

ADDRESS = "0x" + "5e" * 20
CHAIN_ID = 31337
FLOW_BEGINS = 4
"""The first block with events."""
MID = 20_000


def topic(text: str) -> str:
    return "0x" + keccak256(text.encode()).hex()


PLACED = topic("OrderPlaced(uint32,address,uint64,bool,uint64,uint64)")
CANCELLED = topic("OrderCancelled(uint32,uint64,uint64)")
FILLED = topic("OrderFilled(uint32,address,uint64,uint64)")
MARKED = topic("MarkSet(uint32,uint64)")
TAKER = "0x" + "7a" * 20


class Log(NamedTuple):
    """One log: topics and words of data."""

    topics: tuple[str, ...]
    words: tuple[int, ...]


def maker_address(number: int) -> str:
    return f"0x{number + 1:040x}"


def _word(number: int) -> str:
    return f"0x{number:064x}"


def _account(address: str) -> str:
    return "0x" + "0" * 24 + address[2:]


class Flow:
    """The logs of each block, in turn."""

    def __init__(self, *, each: int, markets: int, makers: int) -> None:
        self._each, self._markets, self._makers = each, markets, makers
        self._rng = random.Random(7)
        self._resting: dict[tuple[int, int, bool], tuple[int, int]] = {}
        self._order, self._turn = 0, 0

    def first(self) -> list[Log]:
        """The opening books."""
        marks = [Log((MARKED, _word(market)), (2 * MID,)) for market in range(1, self._markets + 1)]
        slots = [
            (market, maker, is_bid)
            for market in range(1, self._markets + 1) for maker in range(self._makers) for is_bid in (True, False)
        ]  # fmt: skip
        self._slots = slots
        return marks + [self._place(*slot) for slot in slots]

    def next(self) -> list[Log]:
        """One more block's logs."""
        found: list[Log] = []
        while len(found) < self._each:
            slot = self._slots[self._turn % len(self._slots)]
            self._turn += 1
            order, size = self._resting[slot]
            if self._turn % 25 == 0 and size > 1:
                found.append(Log((FILLED, _word(slot[0]), _account(TAKER)), (order, 1)))
                self._resting[slot] = (order, size - 1)
            else:
                found.append(Log((CANCELLED, _word(slot[0])), (order, size)))
                found.append(self._place(*slot))
        return found

    def _place(self, market: int, maker: int, is_bid: bool) -> Log:
        self._order += 1
        distance, size = self._rng.randrange(2, 100), self._rng.randrange(100, 400)
        self._resting[market, maker, is_bid] = (self._order, size)
        price = MID - distance if is_bid else MID + distance
        owner = _account(maker_address(maker))
        return Log((PLACED, _word(market), owner), (self._order, int(is_bid), price, size))


class Node:
    """Blocks 0 to now."""

    def __init__(self, *, flow: Flow, blocks_a_second: float, starts_at: float) -> None:
        self._flow, self._rate, self.starts_at = flow, blocks_a_second, starts_at
        self._blocks: list[list[Log]] = []
        self._roots: list[str] = []
        self._numbers: dict[str, int] = {}

    @property
    def head(self) -> int:
        return len(self._blocks) - 1

    def time_of(self, number: int) -> float:
        """When a block appears."""
        return self.starts_at + number / self._rate

    def make(self) -> None:
        """Make the next block."""
        number = len(self._blocks)
        quiet = number < FLOW_BEGINS
        logs = [] if quiet else self._flow.first() if number == FLOW_BEGINS else self._flow.next()
        self._blocks.append(logs)
        self._numbers[self.hash_of(number)] = number
        self._roots.append(receipts_root(self.receipts(number)))

    @lru_cache(maxsize=16)  # noqa: B019 - one node a process
    def receipts(self, number: int) -> list[dict[str, Any]]:
        logs = self._blocks[number]
        if not logs:
            return []
        transaction = "0x" + keccak256(b"transaction %d" % number).hex()
        place = {"transactionHash": transaction, "transactionIndex": "0x0", "blockHash": self.hash_of(number),
                 "blockNumber": hex(number)}  # fmt: skip
        found = [
            {"address": ADDRESS, "topics": list(log.topics), "data": "0x" + "".join(f"{w:064x}" for w in log.words),
             "logIndex": hex(index), "removed": False, **place}
            for index, log in enumerate(logs)
        ]  # fmt: skip
        return [{"type": "0x2", "status": "0x1", "cumulativeGasUsed": hex(21_000 * len(logs)),
                 "logsBloom": "0x" + "00" * 256, "logs": found, **place}]  # fmt: skip

    def hash_of(self, number: int) -> str:
        return "0x" + keccak256(b"block %d" % number).hex()

    def header(self, number: int) -> dict[str, Any] | None:
        if not 0 <= number <= self.head:
            return None
        return {"number": hex(number), "hash": self.hash_of(number), "parentHash": self.hash_of(number - 1),
                "receiptsRoot": self._roots[number], "timestamp": hex(int(self.time_of(number)))}  # fmt: skip

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"jsonrpc": "2.0", "id": call["id"], "result": self._answer(call["method"], call["params"])}
        except KeyError:
            error = {"code": -32000, "message": "execution reverted"}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}

    def _answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return hex(CHAIN_ID)
        if method == "eth_blockNumber":
            return hex(self.head)
        if method == "eth_getBlockByNumber":
            # Final at once, as on chains whose validators agree before a block appears.
            return self.header(self.head if params[0] in ("finalized", "latest") else int(params[0], 16))
        if method == "eth_getBlockReceipts":
            return self.receipts(self._number(params[0]))
        raise KeyError(method)

    def _number(self, text: str) -> int:
        return self._numbers[text]


class Served:
    """The node's two ports in one event loop."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.listeners: set[Any] = set()

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                asked = json.loads(await reader.readexactly(length))
                found = (
                    [self.node.answer(each) for each in asked] if isinstance(asked, list) else self.node.answer(asked)
                )
                body = json.dumps(found, separators=(",", ":")).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def subscribed(self, socket: Any) -> None:
        async for message in socket:
            call = json.loads(message)
            if call["params"] != ["newHeads"]:
                error = {"code": -32602, "message": "no such subscription"}
                await socket.send(json.dumps({"jsonrpc": "2.0", "id": call["id"], "error": error}))
                continue
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": "0x1"}))
            self.listeners.add(socket)

    async def run(self) -> None:
        """Publish blocks as their time comes."""
        while True:
            wait = self.node.time_of(self.node.head + 1) - time.time()
            if wait > 0:
                await asyncio.sleep(wait)
            self.node.make()
            header = self.node.header(self.node.head)
            news = {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": "0x1", "result": header}}
            for socket in list(self.listeners):
                try:
                    await socket.send(json.dumps(news))
                except Exception:
                    self.listeners.discard(socket)


async def main(events: int, rate: float, markets: int, makers: int) -> None:
    from websockets.asyncio.server import serve

    flow = Flow(each=max(1, round(events / rate)), markets=markets, makers=makers)
    node = Node(flow=flow, blocks_a_second=rate, starts_at=math.ceil(time.time()))
    served = Served(node)
    http = await asyncio.start_server(served.http, "127.0.0.1", 0, limit=1 << 24)
    async with serve(served.subscribed, "127.0.0.1", 0) as sockets:
        ports = [http.sockets[0].getsockname()[1], next(iter(sockets.sockets)).getsockname()[1]]
        print(f"http://127.0.0.1:{ports[0]}\nws://127.0.0.1:{ports[1]}\n{int(node.starts_at)}", flush=True)
        await served.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
