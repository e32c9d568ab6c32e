"""The sandbox: a made-up market at the speed of real time, in which a visitor's bot quotes from its own account."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils import keccak

from onchain.indexer import node as rpc_client
from rewards.demo.chain import LocalChain, Sequencer
from rewards.demo.errors import TransactionFailedError
from rewards.demo.exchange import OWN, Block, Book, Op
from rewards.demo.flow import Flow, Pace
from rewards.demo.programme import stand_in_treasurer
from rewards.demo.reviewer import is_put_forward, put_forward
from rewards.models import Epoch, Program
from rewards.services.approval import approve_with_local_node
from rewards.services.checks import approval_is_safe

PACE = Pace(regular_s=2, outside_s=2, burst_s=2, mark_every_s=30, hurry=240.0)
LOOK_EVERY_S = 5
"""So often the treasury looks for what waits for it."""
_PLACED = "0x" + keccak(text="OrderPlaced(uint32,address,uint64,bool,uint64,uint64)").hex()
_CANCELLED = "0x" + keccak(text="OrderCancelled(uint32,uint64,uint64)").hex()


@dataclass
class Sandbox:
    """The running market. Each second is mined twice: what visitors have sent, then what the exchange makes of it."""

    chain: LocalChain
    exchange: str
    sequencer: Sequencer
    flow: Flow
    program: Program
    now_s: int
    _due: deque[Block] = field(default_factory=deque)

    def second(self) -> None:
        """Let one second pass, at the speed of real time."""
        began = time.monotonic()
        self.step()
        if self.now_s % LOOK_EVERY_S == 0:
            self.look()
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))

    def step(self) -> None:
        """Mine what visitors have sent, match it, and let everybody else act."""
        self.now_s += 1
        self.chain.mine(time_s=self.now_s)
        self._hear()
        matched = [op for market in self.flow.markets for op in self._matched(market.book)]
        self._due.extend(self.flow.blocks(until_s=self.now_s + 1, pace=PACE))
        blocks = [Block(self.now_s, tuple(matched))] if matched else []
        while self._due and self._due[0].time_s <= self.now_s:
            blocks.append(self._due.popleft()._replace(time_s=self.now_s))
        for block in blocks:
            self._write(block)

    def is_live(self) -> bool:
        """Whether quotes are scored already."""
        return self.program.epochs.filter(state=Epoch.State.LIVE).exists()

    def look(self) -> None:
        """Put forward and approve what is proposed, as the treasury's people would."""
        for epoch in self.program.epochs.filter(state=Epoch.State.PROPOSED):
            if put_forward(epoch) is not None and is_put_forward(epoch) and approval_is_safe(epoch=epoch):
                client = rpc_client()
                try:
                    approve_with_local_node(client, epoch=epoch, by=stand_in_treasurer())
                finally:
                    client.close()

    def _hear(self) -> None:
        """Note the orders that visitors have rested or cancelled in the newest block."""
        query = {"address": self.exchange, "fromBlock": "latest", "toBlock": "latest"}
        books = {market.id: market.book for market in self.flow.markets}
        for log in self.chain.node.call("eth_getLogs", query):
            order, *rest = _words(log["data"])
            if order < OWN:
                continue
            book = books[int(log["topics"][1], 16)]
            if log["topics"][0] == _PLACED:
                is_bid, price, size = rest
                owner = "0x" + log["topics"][2][-40:]
                book.hear_placed(order, owner=owner, is_bid=bool(is_bid), price=price, size=size)
            elif log["topics"][0] == _CANCELLED:
                book.hear_cancelled(order, size=rest[0])

    def _matched(self, book: Book) -> list[Op]:
        """Trade what crosses: a visitor's order takes what it meets, and is gone by as much."""
        while (pair := _crossing(book)) is not None:
            taker, maker = pair
            size, owner = min(book[taker].size, book[maker].size), book[taker].owner
            if book[maker].owner == owner:
                book.cancel(maker)  # nobody trades with oneself
            else:
                book.fill(maker, size=size, taker=owner)
                book.cancel(taker, size=size)
        return self.flow.taken()

    def _write(self, block: Block) -> None:
        """Put a block on the chain, without fills of what a visitor has cancelled meanwhile."""
        try:
            self.sequencer.write([block])
        except TransactionFailedError:
            self._hear()
            rest = tuple(op for op in block.ops if op.order < OWN or self._rests(op))
            if len(rest) == len(block.ops):
                raise
            self.sequencer.write([block._replace(ops=rest)])

    def _rests(self, op: Op) -> bool:
        found = self.chain.read(name="demo_exchange", to=self.exchange, function="order_of", args=[op.market, op.order])
        return int.from_bytes(found[96:128], "big") >= max(op.size, 1)


def _crossing(book: Book) -> tuple[int, int] | None:
    """Return (taker, maker) of the best two orders if they cross: the visitor's takes, of two visitors' the newer."""
    bid, ask = book.best(is_bid=True), book.best(is_bid=False)
    if bid is None or ask is None or book[bid].price < book[ask].price:
        return None
    # Visitors' ids are above all others and ascend with time.
    taker, maker = max(bid, ask), min(bid, ask)
    return (taker, maker) if taker >= OWN else None


def _words(data: str) -> Sequence[int]:
    raw: Any = bytes.fromhex(data[2:])
    return [int.from_bytes(raw[at : at + 32], "big") for at in range(0, len(raw), 32)]
