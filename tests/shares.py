"""Share vaults on a real chain, for tests: who deposits, gives and redeems, and the contract's own view of it."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field

from eth_abi import encode

from onchain.keccak import keccak256
from tests.chain import Anvil, calldata
from tests.contracts.world import built


def holder_of(number: int) -> str:
    """Return the address of a holder that nobody has a key for; anvil acts for it."""
    return "0x" + keccak256(f"holder {number}".encode())[-20:].hex()


@dataclass
class ShareVault:
    """A share_vault.vy over a reward token that anybody may mint; transactions wait until a block is mined."""

    anvil: Anvil
    asset: str
    address: str
    ready: set[str] = field(default_factory=set)

    @classmethod
    def deploy(cls, anvil: Anvil, *, name: str = "Night Desk shares") -> ShareVault:
        asset = anvil.deploy("reward_token", ("string", "string"), ("Dollars", "USD"))
        types, values = ("address", "string", "string"), (asset, name, "nSHARE")
        return cls(anvil=anvil, asset=asset, address=anvil.deploy("share_vault", types, values))

    def send(self, holder: str, to: str, signature: str, *values: object) -> None:
        """Queue a call of any account, with money for its gas."""
        if holder not in self.ready:
            self.anvil.rpc("anvil_impersonateAccount", holder)
            self.anvil.rpc("anvil_setBalance", holder, hex(10**24))
            self.ready.add(holder)
        types = tuple(signature[signature.index("(") + 1 : -1].split(","))
        fields = {"from": holder, "to": to, "data": calldata(signature, types, values), "gas": hex(400_000)}
        self.anvil.rpc("eth_sendTransaction", fields | {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1"})

    def fund(self, *holders: str, amount: int = 10**24) -> None:
        """Give holders the asset and let the vault take it; in the next block."""
        for holder in holders:
            minted = calldata("mint(address,uint256)", ("address", "uint256"), (holder, amount))
            self.anvil.send(data=minted, to=self.asset)
            self.send(holder, self.asset, "approve(address,uint256)", self.address, amount)

    def deposit(self, holder: str, assets: int) -> None:
        self.send(holder, self.address, "deposit(uint256,address)", assets, holder)

    def give(self, holder: str, to: str, shares: int) -> None:
        self.send(holder, self.address, "transfer(address,uint256)", to, shares)

    def redeem(self, holder: str, shares: int) -> None:
        self.send(holder, self.address, "redeem(uint256,address,address)", shares, holder, holder)

    def balance(self, holder: str, *, block: int | str = "latest") -> int:
        """The contract's own view."""
        data = calldata("balanceOf(address)", ("address",), (holder,))
        at = hex(block) if isinstance(block, int) else block
        return int(self.anvil.rpc("eth_call", {"to": self.address, "data": data}, at), 16)

    def slow_weights(self, holders: list[str], *, start_s: int, end_s: int) -> dict[str, int]:
        """Weigh holders by the chain alone: the contract's word on every balance after every block of the time.

        No two blocks may carry one second there; then a block's time is its stamp.
        """
        stamps = {}
        number = int(self.anvil.rpc("eth_blockNumber"), 16)
        while True:
            stamps[number] = int(self.anvil.rpc("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)
            if stamps[number] <= start_s:
                break
            number -= 1
        blocks = sorted(number for number, stamp in stamps.items() if stamp < end_s)
        weights = dict.fromkeys(holders, 0)
        for number in blocks:
            until_s = min(stamps.get(number + 1, end_s), end_s)
            held_ms = 1000 * (until_s - max(stamps[number], start_s))
            for holder, balance in zip(holders, self._balances(holders, number), strict=True):
                weights[holder] += balance * held_ms
        return {holder: weight for holder, weight in weights.items() if weight}

    def _balances(self, holders: list[str], block: int) -> list[int]:
        calls = [
            {"to": self.address, "data": calldata("balanceOf(address)", ("address",), (holder,))} for holder in holders
        ]
        body = [
            {"jsonrpc": "2.0", "id": place, "method": "eth_call", "params": [call, hex(block)]}
            for place, call in enumerate(calls)
        ]
        request = urllib.request.Request(
            self.anvil.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            results = {row["id"]: int(row["result"], 16) for row in json.load(answer)}
        return [results[place] for place in range(len(holders))]


def deploy_hostile(anvil: Anvil, name: str) -> str:
    """Deploy one of the contracts that only tests have; returns its address."""
    sent = anvil.send(data=built(name)[0] + encode([], []).hex())
    anvil.mine()
    return anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"].lower()
