"""Turns the reference's tallies into payouts, and payouts into the cumulative tree's root."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from Crypto.Hash import keccak

from tests.engine.reference_inputs import BrokenBundleError, Bundle
from tests.engine.reference_market import ONE_SHARE, Tally

WHOLE_PPM = 1_000_000


@dataclass
class Payout:
    """One maker's payout of one market, in the token's smallest unit: the three pools, then what is paid."""

    quoting: int
    fills: int
    stress: int
    payout: int = 0


def pay_market(terms: dict[str, Any], market: str, tally: Tally, makers: set[str]) -> dict[str, Payout]:
    """Uptime gate, Payout of a market: every maker with any of the three pools."""
    rule, boosts = terms["markets"][market], terms["boosts"]
    whole = int(terms["budget"]) * rule["weight_bps"] // 10000
    pool = {name: whole * rule[f"{name}_share_bps"] // 10000 for name in ("quoting", "fills", "stress")}
    possible = sum(boosts[kind] * live for kind, live in tally.live_ms.items()) * ONE_SHARE
    traded = sum(tally.volume.values())
    stressed = max(tally.stress_ms, rule["stress"]["full_ms"] if "stress" in rule else 0) * ONE_SHARE
    result = {}
    for maker in makers:
        earned = sum(boosts[kind] * gated_credit(rule, tally, maker, kind) for kind in boosts)
        pay = Payout(
            quoting=pool["quoting"] * earned // possible if possible else 0,
            fills=pool["fills"] * tally.volume[maker] // traded if traded else 0,
            stress=pool["stress"] * tally.stress_credit[maker] // stressed if stressed else 0,
        )
        pay.payout = min(pay.quoting + pay.fills + pay.stress, whole * rule["max_share_bps"] // 10000)
        if pay.quoting or pay.fills or pay.stress:
            result[maker] = pay
    if terms["unspent"] == "redistribute":
        redistribute(whole, result)
    return result


def gated_credit(rule: dict[str, Any], tally: Tally, maker: str, kind: str) -> int:
    """Uptime gate: the credit of a kind, or nothing when the maker was not present for long enough."""
    too_short = tally.present_ms[maker, kind] * 10000 < rule["min_uptime_bps"][kind] * tally.live_ms[kind]
    return 0 if tally.live_ms[kind] > 0 and too_short else tally.credit[maker, kind]


def redistribute(whole: int, pays: dict[str, Payout]) -> None:
    """Payout of a market: shares the rest in proportion to the payouts, by largest remainder."""
    before = {maker: pay.payout for maker, pay in pays.items() if pay.payout > 0}
    total = sum(before.values())
    if total == 0:
        return
    rest = whole - total
    for maker, payout in before.items():
        pays[maker].payout += rest * payout // total
    left = whole - sum(pay.payout for pay in pays.values())
    by_remainder = sorted(before, key=lambda maker: (-(rest * before[maker] % total), maker.encode()))
    for maker in by_remainder[:left]:
        pays[maker].payout += 1


def pay_epoch(bundle: Bundle, earned: dict[str, int]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Payout of the epoch: what is paid and carried per maker, and what each account gets."""
    paid: dict[str, int] = {}
    carried: dict[str, int] = {}
    increments: dict[str, int] = defaultdict(int)
    for maker in sorted({*earned, *bundle.carried_in}):
        due = earned.get(maker, 0) + bundle.carried_in.get(maker, 0)
        if due == 0:
            continue
        if due < int(bundle.terms["min_payout"]):
            carried[maker] = due
            continue
        paid[maker] = due
        accounts = bundle.payouts.get(maker)
        if not accounts:
            raise BrokenBundleError("no_payout_rows", what=maker)
        if sum(share for _, share in accounts) != WHOLE_PPM:
            raise BrokenBundleError("shares_do_not_sum", what=maker)
        gains: dict[str, int] = defaultdict(int)
        for account, share in accounts:
            gains[account] += due * share // WHOLE_PPM
        gains[accounts[0][0]] += due - sum(due * share // WHOLE_PPM for _, share in accounts)
        for account, gain in gains.items():
            if (maker, account) in bundle.operators:
                pay_vault(bundle, account, bundle.operators[maker, account], gain, increments)
            else:
                increments[account] += gain
    return paid, carried, {account: amount for account, amount in increments.items() if amount > 0}


def pay_vault(bundle: Bundle, vault: str, operator: str, gain: int, increments: dict[str, int]) -> None:
    """docs/vaults.md, Payout: the holders by weight, each rounded down, and all that is left to the operator."""
    weights = [(account, weight) for of, account, weight in bundle.holders if of == vault]
    whole = sum(weight for _, weight in weights)
    left = gain
    for account, weight in weights:
        part = gain * weight // whole
        increments[account] += part
        left -= part
    increments[operator] += left


# Tree


def keccak256(data: bytes) -> bytes:
    """Keccak-256, as Ethereum uses it."""
    return keccak.new(digest_bits=256, data=data).digest()


def leaf_hash(account: str, token: str, cumulative: int) -> bytes:
    """The double hash of `abi.encode(account, token, cumulative)`: three words of 32 bytes."""
    words = [bytes.fromhex(account[2:]).rjust(32, b"\0"), bytes.fromhex(token[2:]).rjust(32, b"\0")]
    return keccak256(keccak256(b"".join([*words, cumulative.to_bytes(32, "big")])))


def root_of(leaves: list[bytes]) -> str | None:
    """Payout of the epoch: the root of the tree of `2n - 1` nodes, None without a leaf."""
    if not leaves:
        return None
    nodes: list[bytes] = [b""] * (len(leaves) - 1) + sorted(leaves, reverse=True)
    for i in reversed(range(len(leaves) - 1)):
        nodes[i] = keccak256(b"".join(sorted((nodes[2 * i + 1], nodes[2 * i + 2]))))
    return "0x" + nodes[0].hex()
