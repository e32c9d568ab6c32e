"""Adds vaults to drawn epochs, and draws share transfers that a real token could have made."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np

from rewards.engine.timeweights import Transfers
from tests.engine.random_epochs import Epoch, address, draw_epoch, write_epoch, write_rows
from tests.engine.reference_vaults import NOBODY, Transfer

VAULT_HEADER, HOLDER_HEADER = "vault,maker,operator", "vault,account,weight"


def write_vault_bundle(directory: Path, seed: int) -> Epoch:
    """Writes the inputs of the random epoch of that seed, some of whose payout accounts are vaults."""
    rng = Random(f"vaults {seed}")
    epoch = draw_epoch(Random(seed))
    write_epoch(directory, epoch)
    rows = sorted({(account, maker) for maker, account, _ in epoch.payouts})
    chosen = rng.sample(rows, rng.randint(1, len(rows))) if rows else []
    others = [account for account, _ in rows]
    # An operator may be a holder, a payout account of somebody, or another vault.
    vaults = [
        (account, maker, rng.choice([address(rng), *(o for o in others if o != account)])) for account, maker in chosen
    ]
    write_rows(directory / "vaults.csv", VAULT_HEADER, sorted(vaults, key=lambda row: (row[0], row[1].encode())))
    holders = []
    for vault in sorted({vault for vault, _, _ in vaults}):
        people = {address(rng) for _ in range(rng.choice((0, 1, 2, 7)))} | set(rng.sample(others, rng.randint(0, 1)))
        wide = rng.choice((3, 10**6, 2**200))
        holders += [(vault, account, rng.randint(1, wide)) for account in sorted(people - {vault})]
    write_rows(directory / "holders.csv", HOLDER_HEADER, holders)
    return epoch


def draw_transfers(rng: Random, *, vault: str, count: int, widest: int) -> list[Transfer]:
    """Mints, burns and moves between a few accounts and the vault itself; nobody gives what they don't have."""
    people = [vault, *(address(rng) for _ in range(rng.randint(1, 6)))]
    held = dict.fromkeys(people, 0)
    now, rows = 0, []
    for _ in range(count):
        now += rng.choice((0, 0, 1, 7, 300))
        giver, taker = rng.choice([NOBODY, *people]), rng.choice([NOBODY, *people])
        value = rng.randint(0, widest if giver == NOBODY else held[giver])
        rows.append((now, giver, taker, value))
        for account, change in ((giver, -value), (taker, value)):
            if account != NOBODY:
                held[account] += change
    return rows


def columns(rows: list[Transfer]) -> Transfers:
    """The engine's columns of transfers, a block for every time."""
    names = sorted({name for _, sender, receiver, _ in rows for name in (sender, receiver)})
    code = {name: index for index, name in enumerate(names)}
    times = np.array([row[0] for row in rows], np.int64)
    return Transfers(
        block=np.unique(times, return_inverse=True)[1].reshape(-1).astype(np.int64) + 1,
        time_ms=times,
        sender=np.array([code[row[1]] for row in rows], np.int32),
        receiver=np.array([code[row[2]] for row in rows], np.int32),
        value=[row[3] for row in rows],
        accounts=names,
    )
