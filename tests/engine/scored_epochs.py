"""Scores drawn epochs with the engine, without a disk in between."""

from __future__ import annotations

import json
from random import Random

import pyarrow

from rewards.engine import evidence, scoring
from rewards.engine.events import SCHEMA
from rewards.engine.sessions import Sessions
from rewards.engine.terms import parse_terms
from tests.engine.random_epochs import MAKER_NAMES, Epoch, address, draw_epoch


def draw_payable(seed: int) -> tuple[Random, Epoch]:
    """An epoch in which every maker has a payout account, and the randomness to go on with."""
    rng = Random(seed)
    epoch = draw_epoch(rng)
    epoch.payouts = [(name, address(rng), 1_000_000) for name in MAKER_NAMES]
    return rng, epoch


def inputs_of(epoch: Epoch) -> evidence.Inputs:
    """The engine's inputs of an epoch."""
    payouts: dict[str, list[tuple[str, int]]] = {}
    for maker, account, share_ppm in epoch.payouts:
        payouts.setdefault(maker, []).append((account, share_ppm))
    previous = epoch.previous and [(account, token, int(amount)) for account, token, amount in epoch.previous]
    return evidence.Inputs(
        terms=parse_terms(json.dumps(epoch.terms).encode()),
        sessions=Sessions.from_rows(epoch.sessions),
        makers=dict(epoch.makers),
        payouts=payouts,
        carried_in=dict(epoch.carried_in),
        previous=previous,
        events=evidence.EventColumns.from_arrow(pyarrow.Table.from_pylist(epoch.events, schema=SCHEMA)),
    )


def score_epoch(epoch: Epoch) -> scoring.Result:
    """The engine's result of an epoch."""
    return scoring.score(inputs_of(epoch))
