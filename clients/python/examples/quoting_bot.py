"""A market maker for the sandbox, whole: it quotes both sides of a market, and says what that earns and why not more.

make sandbox                                          # prints what to export
pip install ./clients/python web3
python clients/python/examples/quoting_bot.py [ROUNDS]
"""

import contextlib
import itertools
import os
import sys
import time

from lamplight_client import Lamplight, NotAvailableError, NotFoundError
from web3 import Web3
from web3.types import Nonce, TxParams, Wei

SPREAD_BPS, LOTS, ROUND_S = 5, 120, 5
ABI = [
    {"type": "function", "name": "place", "stateMutability": "nonpayable", "inputs": [
        {"name": "market", "type": "uint32"}, {"name": "is_bid", "type": "bool"}, {"name": "price", "type": "uint64"},
        {"name": "size", "type": "uint64"}], "outputs": [{"name": "order", "type": "uint64"}]},
    {"type": "function", "name": "cancel", "stateMutability": "nonpayable", "inputs": [
        {"name": "market", "type": "uint32"}, {"name": "order", "type": "uint64"}], "outputs": []},
    {"type": "function", "name": "market_of", "stateMutability": "view", "inputs": [
        {"name": "market", "type": "uint32"}], "outputs": [
        {"name": "name", "type": "string"}, {"name": "halted", "type": "bool"}, {"name": "mark", "type": "uint64"}]},
    {"type": "function", "name": "order_of", "stateMutability": "view", "inputs": [
        {"name": "market", "type": "uint32"}, {"name": "order", "type": "uint64"}], "outputs": [
        {"name": "owner", "type": "address"}, {"name": "is_bid", "type": "bool"}, {"name": "price", "type": "uint64"},
        {"name": "size", "type": "uint64"}]},
]  # fmt: skip


class Exchange:
    """The demo exchange, from the account of a private key."""

    def __init__(self, *, rpc_url: str, private_key: str, contract: str, market: int) -> None:
        self.web3 = Web3(Web3.HTTPProvider(rpc_url))
        self.me = self.web3.eth.account.from_key(private_key)
        self.contract = self.web3.eth.contract(address=Web3.to_checksum_address(contract), abi=ABI)
        self.market = market
        self.orders: list[int] = []

    def requote(self) -> None:
        """Cancel what rests and quote anew around the mark, all in one block."""
        mark = self.contract.functions.market_of(self.market).call()[2]  # half-ticks
        away = max(1, mark * SPREAD_BPS // 20_000)
        resting = [order for order in self.orders if self.contract.functions.order_of(self.market, order).call()[3]]
        calls = [self.contract.functions.cancel(self.market, order) for order in resting]
        for is_bid, price in ((True, mark // 2 - away), (False, -(-mark // 2) + away)):
            calls.append(self.contract.functions.place(self.market, is_bid, price, LOTS))
        nonce = self.web3.eth.get_transaction_count(self.me.address)
        sent = []
        for number, call in enumerate(calls, start=nonce):
            how: TxParams = {
                "from": self.me.address,
                "nonce": Nonce(number),
                "gas": 200_000,
                "gasPrice": Wei(2 * 10**9),
            }
            signed = self.me.sign_transaction(call.build_transaction(how))
            sent.append(self.web3.eth.send_raw_transaction(signed.raw_transaction))
        receipts = [self.web3.eth.wait_for_transaction_receipt(each, poll_latency=0.2) for each in sent]
        # OrderPlaced has the order's id first in its data. A cancel fails when the order was traded just before.
        self.orders = [int.from_bytes(each["logs"][0]["data"][:32], "big") for each in receipts[-2:] if each["logs"]]


def main(rounds: int | None) -> None:
    """Quote for so many rounds, or until Ctrl-C."""
    env = os.environ
    with Lamplight(env["LAMPLIGHT_URL"], key=env["LAMPLIGHT_KEY"]) as lamp:
        (maker, *_), programme = lamp.me().makers, next(iter(lamp.programmes())).slug
        market = next(iter(lamp.markets(programme)))
        exchange = Exchange(
            rpc_url=env["RPC_URL"], private_key=env["PRIVATE_KEY"], contract=market.contract,
            market=market.venue_settings["market_id"],
        )  # fmt: skip
        print(f"Quoting {market.market}: {LOTS} lots on each side, {SPREAD_BPS} bps away from the mark.", flush=True)
        for _ in itertools.count() if rounds is None else range(rounds):
            exchange.requote()
            time.sleep(ROUND_S)
            print(said(lamp, maker, programme, market.market), flush=True)


def said(lamp: Lamplight, maker: str, programme: str, market: str) -> str:
    """Say what the quotes earn, and why not more."""
    number = lamp.programme(programme).live_epoch
    if number is None:
        return "No epoch runs."
    standing = lamp.standing(maker, programme, number)
    pay = standing.accrued_raw / 10**standing.token_decimals
    text = f"{pay:,.2f} {standing.token_symbol} so far, rank {standing.rank or '-'} of {standing.makers}"
    try:
        seen = lamp.orders(maker, programme, number, market)
    except (NotFoundError, NotAvailableError):
        return f"{text}; what each order counts comes in a moment"
    lines = [f"{text}; {seen.share_ppm / 10_000:.1f}% of the market's rate"]
    for order in seen.orders:
        near = f"{order.distance_bps} bps from the reference a lot counts {order.weight_ppm / 10_000:.0f}%"
        lines.append(f"  {order.side} {order.price}: {near if order.is_counting else order.why}")
    return "\n".join(lines)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
