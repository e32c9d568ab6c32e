"""Routes about how a maker quoted in a market, and whether its orders count, and why."""

from decimal import Decimal
from typing import Any

import numpy as np
from rest_framework.request import Request

from onchain.models import Market
from rewards.analysis.moment import Moment, OwnOrder
from rewards.analysis.statistics import By
from rewards.api.base import ApiView, ListView, maker_epoch
from rewards.api.fields import moment, raw
from rewards.api.maker_rows import BIG, MomentRow, QuoteRow, ReasonRow
from rewards.api.makers import PRIVATE
from rewards.api.paging import cut
from rewards.api.params import MomentParams, Paged, QuotesParams
from rewards.api.programmes import Page
from rewards.engine.events import BID
from rewards.engine.terms import MarketTerms, parse_terms
from rewards.errors import NotFoundError
from rewards.models import Epoch, QuoteRun
from rewards.selectors.quoted import quoted
from rewards.selectors.quoting import quoting
from rewards.services.looking import moment_of

PPM = 1_000_000
SHARE_BITS = 30


class Quotes(ListView):
    """How a maker quoted in a market: by five minutes, by session, or over the epoch."""

    name, tag, row, params, is_public = "quotes", PRIVATE, QuoteRow, QuotesParams, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of rows, by time."""
        market = path.pop("market")
        maker, epoch = maker_epoch(request, **path)
        found = quoting(epoch=epoch, market=market, makers=[maker.slug])
        if found is None:
            raise _unknown(epoch, market)
        table = found.cells.maker_table(by=By(given["by"]))
        known = [row for row in table.to_pylist() if row["start_ms"] < found.until_ms and _wanted(row, given)]
        rows, cursor = cut(
            known, key=lambda row: [row["start_ms"]], like=[0], cursor=given["cursor"], limit=given["limit"]
        )
        return [_quote(row) for row in rows], cursor


def _wanted(row: dict[str, Any], given: dict[str, Any]) -> bool:
    return bool(row["end_ms"] > given.get("from_ms", -1) and row["start_ms"] < given.get("to_ms", np.inf))


def _quote(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: raw(row[name]) for name in BIG}
    return {**row, **texts, **moment("start", row["start_ms"]), **moment("end", row["end_ms"])}


class Reasons(ListView):
    """When a maker's quotes in a market counted, and why not when they did not."""

    name, tag, row, params, is_public = "reasons", PRIVATE, ReasonRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of stretches, by time."""
        market = path.pop("market")
        maker, epoch = maker_epoch(request, **path)
        found = quoted(epoch=epoch, market=market, maker=maker.slug)
        if found is None:
            raise _unknown(epoch, market)
        rows, cursor = cut(
            found.stretches, key=lambda row: [row.start_ms], like=[0], cursor=given["cursor"], limit=given["limit"]
        )
        return [
            {**moment("start", row.start_ms), **moment("end", row.end_ms), "reason": row.reason} for row in rows
        ], cursor


class Orders(ApiView):
    """Whether each of a maker's orders in a market counts at a moment, and why not; a session is replayed for it."""

    name, tag, row, params, is_public, costs = "orders", PRIVATE, MomentRow, MomentParams, False, 10

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return the moment."""
        market = path.pop("market")
        maker, epoch = maker_epoch(request, **path)
        at_ms = given.get("at_ms")
        if at_ms is None:
            until_ms = QuoteRun.objects.filter(epoch=epoch, market=market).values_list("until_ms", flat=True).first()
            at_ms = None if until_ms is None else until_ms - 1
        facts = Market.objects.filter(name=market).first()
        if at_ms is None or facts is None:
            raise _unknown(epoch, market)
        seen = moment_of(epoch=epoch, market=market, maker=maker.slug, time_ms=at_ms)
        terms = parse_terms(epoch.terms_json.encode()).markets[market]
        return _moment(seen, market=market, tick=Decimal(facts.tick_size), terms=terms)


def _moment(seen: Moment, *, market: str, tick: Decimal, terms: MarketTerms) -> dict[str, Any]:
    has_band = bool(seen.reference and seen.band)
    return {
        "market": market, **moment("time", seen.time_ms), "kind": seen.kind, "is_live": seen.live,
        "is_stressed": seen.stressed, "reference": _price(seen.reference, tick) if seen.reference else None,
        "band_low": _price(seen.reference - seen.band, tick) if has_band else None,
        "band_high": _price(seen.reference + seen.band, tick) if has_band else None,
        "is_present": seen.present, "share_ppm": seen.share * PPM >> SHARE_BITS,
        "orders": [_order(each, seen, tick, terms) for each in seen.own],
    }  # fmt: skip


def _order(order: OwnOrder, seen: Moment, tick: Decimal, terms: MarketTerms) -> dict[str, Any]:
    return {
        "id": order.id, "side": "bid" if order.side == BID else "ask", "price": _price(2 * order.price, tick),
        "lots": order.lots, "rested_ms": order.rested_ms,
        "distance_bps": round(order.distance * 10_000 / seen.reference, 3) if seen.reference else None,
        "weight_ppm": order.weight, "is_counting": order.fate == "counting", "fate": order.fate,
        "why": _why(order, seen, tick, terms),
    }  # fmt: skip


def _why(order: OwnOrder, seen: Moment, tick: Decimal, terms: MarketTerms) -> str:
    away = f"{Decimal(order.distance * 10_000) / seen.reference:.1f}" if seen.reference else ""
    return {
        "counting": "It counts.",
        "halted": "The market is halted, so nobody earns.",
        "dark": "The book is too thin or crossed to have a reference, so nobody earns.",
        "too_small": f"It has {order.lots} lots; {terms.min_order_lots} are needed.",
        "too_young": f"It has rested for {order.rested_ms} ms; {terms.min_rest_ms} ms are needed.",
        "too_far": f"It is {away} bps from the reference, where an order has no weight.",
    }[order.fate]


def _price(half_ticks: int, tick: Decimal) -> str:
    return f"{half_ticks * tick / 2:f}"


def _unknown(epoch: Epoch, market: str) -> NotFoundError:
    return NotFoundError(kind="record of quotes in this epoch for the market", name=f"{market} (epoch {epoch.number})")
