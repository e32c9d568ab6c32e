"""Routes about a maker's figures, for its members and for those who review; and about who asks."""

import json
from collections.abc import Collection
from typing import Any

from rest_framework.request import Request

from accounts.models import Maker
from rewards.api.base import ApiView, ListView, maker_epoch, now_ms
from rewards.api.callers import Scope, require_scope, seen_makers
from rewards.api.fields import iso, moment, raw, stamp
from rewards.api.maker_rows import AllocationRow, MakerRow, MeRow, PaymentRow, ScoreRow, StandingRow, WebhookRow
from rewards.api.paging import cut, cut_query
from rewards.api.params import MarketParams, Paged
from rewards.api.programmes import Page, token_part
from rewards.errors import NotFoundError
from rewards.models import Carry, Epoch, Payment, WebhookEndpoint
from rewards.selectors.makers import market_cards
from rewards.selectors.notices import endpoints_of
from rewards.selectors.standings import StandingRow as Place
from rewards.selectors.standings import pool_pays, standings
from rewards.services.notices.endpoints import require_manages_webhooks

PRIVATE = "Makers and those who review"


class Me(ApiView):
    """Who you are to the API, and which makers' figures you see."""

    name, tag, row, is_public = "me", PRIVATE, MeRow, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        person, key = request.user, request.auth
        return {
            "username": person.get_username(), "role": person.role, "by": "session" if key is None else "key",
            "key_prefix": key.prefix if key else None, "scopes": key.scopes if key else [],
            "expires": iso(int(key.expires_at.timestamp() * 1000)) if key else None,
            "makers": [maker.slug for maker in seen_makers(request=request)],
        }  # fmt: skip


class Makers(ListView):
    """The makers whose figures you see, by slug."""

    name, tag, row, params, is_public = "makers", PRIVATE, MakerRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        rows, cursor = cut(
            seen_makers(request=request), key=lambda maker: [maker.slug], like=[""], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip
        return [{"maker": row.slug, "name": row.name} for row in rows], cursor


class Standing(ApiView):
    """Where a maker stands in an epoch: its pay, or the live estimate of it."""

    name, tag, row, is_public = "standing", PRIVATE, StandingRow, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        maker, epoch = maker_epoch(request, **path)
        return standing_of(epoch=epoch, maker=maker.slug, clock_ms=now_ms())


def standing_of(*, epoch: Epoch, maker: str, clock_ms: int) -> dict[str, Any]:
    """Return a maker's standing as a row, in three queries."""
    carried = Carry.objects.filter(epoch=epoch, maker=maker).values_list("amount", flat=True).first()
    return standing_row(
        epoch=epoch, maker=maker, places=standings(epoch=epoch), carried=carried or 0, clock_ms=clock_ms
    )


def standing_row(
    *, epoch: Epoch, maker: str, places: Collection[Place], carried: int, clock_ms: int | None
) -> dict[str, Any]:
    """Return a maker's standing among all `places` as a row; clock_ms: the chain's time, None when it is unknown."""
    place = next((row for row in places if row.maker == maker), None)
    as_of_ms = place.as_of_ms if place else epoch.start_ms
    return {
        "programme": epoch.program.slug, "epoch": epoch.number, "maker": maker,
        "is_estimate": epoch.paid_total is None, "rank": place.rank if place else None, "makers": len(places),
        "payout_raw": raw(place.payout if place else 0), "accrued_raw": raw(place.accrued if place else 0),
        "share_ppm": place.share_ppm if place else 0, "carried_out_raw": raw(carried), **moment("as_of", as_of_ms),
        "age_ms": max(0, (clock_ms or as_of_ms) - as_of_ms), **token_part(epoch.program),
    }  # fmt: skip


class Scores(ListView):
    """What each kind of session brought a maker in each market of an epoch."""

    name, tag, row, params, is_public = "scores", PRIVATE, ScoreRow, MarketParams, False
    is_kept = True

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them, by market and kind."""
        maker, epoch = maker_epoch(request, **path)
        _require_market(epoch, given)
        cards, credit = market_cards(epoch=epoch, maker=maker.slug)
        found = [
            {
                "market": market.market, "kind": kind.kind, "boost_percent": kind.boost_percent,
                "credit": raw(credit[market.market, kind.kind]), "credit_share_ppm": kind.credit_share_ppm,
                "present_ms": kind.present_ms, "live_ms": kind.live_ms, "uptime_bps": kind.uptime_bps,
                "required_bps": kind.required_bps, "is_gated": kind.gated, "pay_raw": raw(kind.pay),
                "pay_per_hour_raw": raw(kind.pay_per_hour), **token_part(epoch.program),
            }
            for market in cards
            if market.market == given.get("market", market.market)
            for kind in market.kinds
        ]  # fmt: skip
        found.sort(key=lambda row: (row["market"], row["kind"]))
        return cut(
            found, key=lambda row: [row["market"], row["kind"]], like=["", ""], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip


class Allocations(ListView):
    """What a maker gets of each market of an epoch: final, or estimated while it is live."""

    name, tag, row, params, is_public = "allocations", PRIVATE, AllocationRow, MarketParams, False
    is_kept = True

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them, by market."""
        maker, epoch = maker_epoch(request, **path)
        _require_market(epoch, given)
        found = sorted(
            (row for row in pool_pays(epoch=epoch, maker=maker.slug) if row.market == given.get("market", row.market)),
            key=lambda row: row.market,
        )
        rows, cursor = cut(found, key=lambda row: [row.market], like=[""], cursor=given["cursor"], limit=given["limit"])
        return [
            {
                "market": row.market, "quoting_raw": raw(row.quoting), "fills_raw": raw(row.fills),
                "stress_raw": raw(row.stress), "payout_raw": raw(row.payout), "accrued_raw": raw(row.accrued),
                "share_ppm": row.share_ppm, "is_estimate": epoch.paid_total is None, **moment("as_of", row.as_of_ms),
                **token_part(epoch.program),
            }
            for row in rows
        ], cursor  # fmt: skip


def _require_market(epoch: Epoch, given: dict[str, Any]) -> None:
    """Raise NotFoundError for a market that the epoch does not pay for: a wrong name looks like one without rows."""
    if "market" in given and given["market"] not in json.loads(epoch.terms_json)["markets"]:
        raise NotFoundError(kind=f"market in epoch {epoch.number}", name=given["market"])


class Payments(ListView):
    """Where a maker's pay of a scored epoch goes."""

    name, tag, row, params, is_public = "payments", PRIVATE, PaymentRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        maker, epoch = maker_epoch(request, **path)
        rows, cursor = cut_query(
            Payment.objects.filter(epoch=epoch, maker=maker.slug), field="pk", like=[0], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip
        return [
            {
                "account": row.account, "vault": row.vault or None, "amount_raw": raw(row.amount),
                **token_part(epoch.program),
            }
            for row in rows
        ], cursor  # fmt: skip


class MakerWebhooks(ListView):
    """Where a maker's notices are posted to, for those who look after that."""

    name, tag, row, params, is_public = "maker-webhooks", PRIVATE, WebhookRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        maker = Maker.objects.filter(slug=path["maker"]).first()
        if maker is None:
            raise NotFoundError(kind="maker", name=path["maker"])
        return _webhooks(request, given, maker)


class TreasuryWebhooks(ListView):
    """Where the treasury's notices are posted to, for those who look after that."""

    name, tag, row, params, is_public = "treasury-webhooks", PRIVATE, WebhookRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        return _webhooks(request, given, None)


def _webhooks(request: Request, given: dict[str, Any], maker: Maker | None) -> Page:
    require_manages_webhooks(person=request.user, maker=maker)
    require_scope(request=request, scope=Scope.WEBHOOKS)
    rows, cursor = cut(
        endpoints_of(maker=maker), key=lambda row: [row.pk], like=[0], cursor=given["cursor"], limit=given["limit"]
    )
    return [_webhook(row) for row in rows], cursor


def _webhook(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": row.pk, "url": row.url, "kinds": row.kinds, "is_on": row.is_on, "off_reason": row.off_reason,
        **stamp("added", row.added_at),
    }  # fmt: skip
