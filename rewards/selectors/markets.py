"""The markets of a programme with what its terms ask of quotes there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onchain.models import Market
from rewards.models import Epoch, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketInTerms:
    """A market and its part of the terms of epoch number `epoch`."""

    market: Market
    epoch: int
    terms: Mapping[str, Any]


def program_markets(*, program: Program) -> list[MarketInTerms]:
    """Return the markets of the live epoch, or else of the next or the last one, by name, in two queries."""
    epochs = list(program.epochs.order_by("number"))
    live = [epoch for epoch in epochs if epoch.state == Epoch.State.LIVE]
    coming = [epoch for epoch in epochs if epoch.state == Epoch.State.SCHEDULED]
    shown = next(iter([*live[-1:], *coming[:1], *epochs[-1:]]), None)
    if shown is None:
        return []
    terms = json.loads(shown.terms_json)["markets"]
    found = Market.objects.filter(name__in=terms).order_by("name")
    return [MarketInTerms(market=row, epoch=shown.number, terms=terms[row.name]) for row in found]
