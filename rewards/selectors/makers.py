"""A maker's scorecard: what each market and kind of session brought, for how many hours, and by which rule."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Sum

from accounts.models import Maker
from accounts.selectors_makers import addresses_at, plan_at
from onchain.fields import ExactIntegerField
from rewards.errors import NotFoundError
from rewards.models import Carry, Epoch, MakerVault, Score
from rewards.selectors.parsed_terms import terms_document
from rewards.selectors.rows import KINDS, EpochRow, epoch_row
from rewards.selectors.standings import PoolPay, pool_pays, share_ppm, standings
from rewards.selectors.vaults import maker_vault_in

HOUR_MS = 3_600_000
FULL_BPS = 10_000


class KindScore(NamedTuple):
    """What a maker scored in one kind of session of a market; a row of Score without what makes rows slow."""

    credit: int
    present_ms: int
    live_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCard:
    """One kind of session in one market (or over all markets).

    boost_percent: 100 is the plain rate. credit: share * 2^30 * ms. credit_share_ppm: of all makers' credit.
    present_ms: two-sided inside the band. live_ms: the market traded. uptime_bps: present of live. required_bps: the
    gate (0: none). gated: the gate took the credit. pay: the part of the quoting pay that this kind brought, before
    the cap. pay_per_hour: pay per hour present, 0 without any; while the epoch is live, pay is a guess at
    the whole epoch and the hours are those so far, so it means nothing then.
    """

    kind: str
    boost_percent: int
    credit: int
    credit_share_ppm: int
    present_ms: int
    live_ms: int
    uptime_bps: int
    required_bps: int
    gated: bool
    pay: int
    pay_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCard:
    """One market of a scorecard; `kinds` in the order of KINDS, those that the epoch has time of."""

    market: str
    pay: PoolPay
    kinds: tuple[KindCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRow:
    """Where a maker's pay goes."""

    account: str
    share_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A maker's page of one epoch. Amounts in the token's smallest unit; estimates while the epoch is live.

    vault: where the pay of the epoch goes instead of the payout accounts, None in most.
    """

    maker: str
    name: str
    epoch: EpochRow
    token_symbol: str
    token_decimals: int
    is_estimate: bool
    as_of_ms: int
    rank: int | None
    makers_count: int
    payout: int
    accrued: int
    most: int
    share_ppm: int
    carried_out: int
    markets: tuple[MarketCard, ...]
    kinds: tuple[KindCard, ...]
    addresses: tuple[str, ...]
    payout_accounts: tuple[PayoutRow, ...]
    vault: MakerVault | None


def maker_scorecard(*, epoch_id: int, maker: str, now_ms: int) -> Scorecard:
    """Return a maker's scorecard of an epoch, in thirteen queries; NotFoundError when there is no such maker."""
    who = Maker.objects.filter(slug=maker).first()
    if who is None:
        raise NotFoundError(kind="maker", name=maker)
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    places = standings(epoch=epoch)
    place = next((row for row in places if row.maker == maker), None)
    markets, _ = market_cards(epoch=epoch, maker=maker)
    carry = Carry.objects.filter(epoch=epoch, maker=maker).first()
    plan = plan_at(maker=who, start_ms=epoch.start_ms)
    quoting = addresses_at(start_ms=epoch.start_ms).filter(maker=who)
    return Scorecard(
        maker=maker,
        name=who.name,
        epoch=epoch_row(epoch=epoch, now_ms=now_ms),
        token_symbol=epoch.program.token_symbol,
        token_decimals=epoch.program.token_decimals,
        is_estimate=epoch.paid_total is None,
        as_of_ms=place.as_of_ms if place else epoch.start_ms,
        rank=place.rank if place else None,
        makers_count=len(places),
        payout=place.payout if place else 0,
        accrued=place.accrued if place else 0,
        most=place.most if place else 0,
        share_ppm=place.share_ppm if place else 0,
        carried_out=carry.amount if carry else 0,
        markets=markets,
        kinds=_over_markets(markets),
        addresses=tuple(quoting.values_list("address", flat=True)),
        payout_accounts=tuple(
            PayoutRow(account=row.account, share_ppm=row.share_ppm) for row in (plan.accounts.all() if plan else ())
        ),
        vault=maker_vault_in(epoch=epoch, maker=who),
    )


def market_cards(*, epoch: Epoch, maker: str) -> tuple[tuple[MarketCard, ...], dict[tuple[str, str], int]]:
    """Return a maker's markets in an epoch, and its credit by market and kind, in four queries at most."""
    terms = terms_document(epoch=epoch)
    scores, own = Score.objects.filter(epoch=epoch).order_by(), maker_scores(epochs=[epoch.pk], makers=[maker])
    whole = Sum("credit", output_field=ExactIntegerField())
    credit = {(market, kind): total for market, kind, total in scores.values_list("market", "kind").annotate(whole)}
    by_market = {row.market: row for row in pool_pays(epoch=epoch, maker=maker)}
    cards = tuple(
        MarketCard(
            market=market,
            pay=by_market.get(market) or _no_pay(epoch=epoch, market=market, maker=maker),
            kinds=_kind_cards(
                terms=terms,
                market=market,
                scores=own.get((epoch.pk, maker, market), {}),
                credit=credit,
                pay=by_market.get(market),
            ),
        )
        for market in sorted({market for *_, market in own} | set(by_market))
    )
    return cards, {(market, kind): row.credit for (*_, market), rows in own.items() for kind, row in rows.items()}


def maker_scores(
    *, epochs: Collection[int], makers: Collection[str]
) -> dict[tuple[int, str, str], dict[str, KindScore]]:
    """Return makers' scores by (epoch id, maker, market) and kind of session, in one query."""
    found: dict[tuple[int, str, str], dict[str, KindScore]] = defaultdict(dict)
    rows = Score.objects.filter(epoch__in=epochs, maker__in=makers).order_by()
    for epoch_id, maker, market, kind, *figures in rows.values_list(
        "epoch_id", "maker", "market", "kind", "credit", "present_ms", "live_ms"
    ):
        found[epoch_id, maker, market][kind] = KindScore(*figures)
    return found


def _kind_cards(
    *,
    terms: Mapping[str, Any],
    market: str,
    scores: Mapping[str, KindScore],
    credit: dict[tuple[str, str], int],
    pay: PoolPay | None,
) -> tuple[KindCard, ...]:
    required = terms["markets"][market]["min_uptime_bps"]
    boosts = terms["boosts"]
    gated = {kind: _is_gated(row, required_bps=required[kind]) for kind, row in scores.items()}
    weights = kind_weights(terms=terms, market=market, scores=scores)
    pay_by_kind = _split(amount=pay.quoting if pay else 0, weights=weights)
    return tuple(
        KindCard(
            kind=kind,
            boost_percent=boosts[kind],
            credit=scores[kind].credit,
            credit_share_ppm=share_ppm(part=scores[kind].credit, whole=credit[market, kind]),
            present_ms=scores[kind].present_ms,
            live_ms=scores[kind].live_ms,
            uptime_bps=scores[kind].present_ms * FULL_BPS // max(1, scores[kind].live_ms),
            required_bps=required[kind],
            gated=gated[kind],
            pay=pay_by_kind[kind],
            pay_per_hour=pay_by_kind[kind] * HOUR_MS // scores[kind].present_ms if scores[kind].present_ms else 0,
        )
        for kind in KINDS
        if kind in scores
    )


def kind_weights(*, terms: Mapping[str, Any], market: str, scores: Mapping[str, KindScore]) -> dict[str, int]:
    """Return how a maker's quoting pay of a market is shared out over kinds of session: credit times boost.

    scores: one maker's, by kind. Kinds whose credit the uptime gate took weigh nothing.
    """
    required = terms["markets"][market]["min_uptime_bps"]
    return {
        kind: 0 if _is_gated(row, required_bps=required[kind]) else terms["boosts"][kind] * row.credit
        for kind, row in scores.items()
    }


def _is_gated(row: KindScore, *, required_bps: int) -> bool:
    return row.live_ms > 0 and row.present_ms * FULL_BPS < required_bps * row.live_ms


def _split(*, amount: int, weights: dict[str, int]) -> dict[str, int]:
    """Share an amount out by weight so that the parts sum to it; what rounding leaves goes to the largest part."""
    whole = sum(weights.values())
    if whole == 0:
        return dict.fromkeys(weights, 0)
    parts = {key: amount * weight // whole for key, weight in weights.items()}
    largest = max(sorted(weights), key=lambda key: weights[key])
    parts[largest] += amount - sum(parts.values())
    return parts


def _over_markets(markets: Iterable[MarketCard]) -> tuple[KindCard, ...]:
    """Sum the markets' cards by kind; shares and uptime are those of the summed hours."""
    by_kind: dict[str, list[KindCard]] = defaultdict(list)
    for market in markets:
        for card in market.kinds:
            by_kind[card.kind].append(card)
    return tuple(_sum_cards(by_kind[kind]) for kind in KINDS if kind in by_kind)


def _sum_cards(cards: list[KindCard]) -> KindCard:
    present, live, pay = (
        sum(card.present_ms for card in cards),
        sum(card.live_ms for card in cards),
        sum(card.pay for card in cards),
    )
    return KindCard(
        kind=cards[0].kind,
        boost_percent=cards[0].boost_percent,
        credit=sum(card.credit for card in cards),
        credit_share_ppm=sum(card.credit_share_ppm for card in cards) // len(cards),
        present_ms=present,
        live_ms=live,
        uptime_bps=present * FULL_BPS // max(1, live),
        required_bps=max(card.required_bps for card in cards),
        gated=all(card.gated for card in cards),
        pay=pay,
        pay_per_hour=pay * HOUR_MS // present if present else 0,
    )


def _no_pay(*, epoch: Epoch, market: str, maker: str) -> PoolPay:
    return PoolPay(
        market=market,
        maker=maker,
        quoting=0,
        fills=0,
        stress=0,
        payout=0,
        accrued=0,
        share_ppm=0,
        as_of_ms=epoch.start_ms,
    )
