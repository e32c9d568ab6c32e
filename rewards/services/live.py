"""Running scores of the epoch that is live: estimates for people, never a source of money."""

import copy

from django.db import transaction

from onchain.selectors import settled_through_ms
from rewards.engine.allocation import AllocationRow, allocate_market
from rewards.engine.evidence import Inputs
from rewards.engine.kinds import KINDS
from rewards.engine.live import MarketScore, MarketScorer
from rewards.errors import NotYetError
from rewards.models import Epoch, LiveStanding, Score
from rewards.services.gathering import gather

PPM = 1_000_000


def live_score(*, epoch_id: int) -> int:
    """Score a live epoch up to the chain's settled time and store the standings; returns that time (ms UTC).

    Raises NotYetError before there is anything to score.
    """
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    now_ms = min(settled_through_ms(), epoch.end_ms)
    if epoch.state != Epoch.State.LIVE or now_ms <= epoch.start_ms:
        raise NotYetError(what=f"The standing of epoch {epoch.number}", waits_for="its first settled block")
    inputs = gather(epoch=epoch, to_ms=now_ms)
    scores = {market: _score(inputs, market, now_ms) for market in sorted(inputs.terms.markets)}
    with transaction.atomic():
        locked = Epoch.objects.select_for_update().get(pk=epoch_id)
        if locked.state == Epoch.State.LIVE:
            _store(locked, inputs, scores, as_of_ms=now_ms)
    return now_ms


def _score(inputs: Inputs, market: str, now_ms: int) -> MarketScore:
    scorer = MarketScorer(terms=inputs.terms, market=market, sessions=inputs.sessions, makers=inputs.makers)
    scorer.feed(inputs.events)
    scorer.advance_to(time_ms=now_ms)
    return scorer.snapshot()


def _store(epoch: Epoch, inputs: Inputs, scores: dict[str, MarketScore], *, as_of_ms: int) -> None:
    LiveStanding.objects.filter(epoch=epoch).delete()
    Score.objects.filter(epoch=epoch).delete()
    LiveStanding.objects.bulk_create(
        standing for market, score in scores.items() for standing in _standings(epoch, inputs, market, score, as_of_ms)
    )
    Score.objects.bulk_create(row for market, score in scores.items() for row in _score_rows(epoch, market, score))


def _standings(epoch: Epoch, inputs: Inputs, market: str, score: MarketScore, as_of_ms: int) -> list[LiveStanding]:
    """Return each maker's estimate (the epoch goes on as so far) and what is safe (nobody quotes any more)."""
    estimates = {row.maker: row for row in allocate_market(terms=inputs.terms, market=market, score=score)}
    safe = {row.maker: row for row in _if_all_stopped(inputs, market, score)}
    whole = sum(row.quoting for row in estimates.values())
    return [
        LiveStanding(
            epoch=epoch,
            market=market,
            maker=maker,
            as_of_ms=as_of_ms,
            share_ppm=row.quoting * PPM // whole if whole else 0,
            quoting=row.quoting,
            fills=row.fills,
            stress=row.stress,
            estimate=row.payout,
            # Shares of fills and stress go down as others come, so only quoting is ever safe.
            accrued=min(row.payout, safe[maker].quoting) if maker in safe else 0,
        )
        for maker, row in estimates.items()
    ]


def _if_all_stopped(inputs: Inputs, market: str, score: MarketScore) -> list[AllocationRow]:
    """Allocate as if the market stayed live to the epoch's end and no quote counted from now on."""
    whole = copy.copy(score)
    whole.live_ms = [0] * len(KINDS)
    epoch = inputs.terms.epoch
    for (start_ms, end_ms, _), kind in zip(inputs.sessions.rows, inputs.sessions.kind_indices, strict=True):
        whole.live_ms[kind] += max(0, min(end_ms, epoch.end_ms) - max(start_ms, epoch.start_ms))
    return allocate_market(terms=inputs.terms, market=market, score=whole)


def _score_rows(epoch: Epoch, market: str, score: MarketScore) -> list[Score]:
    return [
        Score(epoch=epoch, market=market, maker=maker, kind=name, credit=score.credit[index][kind],
              present_ms=score.present_ms[index][kind], live_ms=score.live_ms[kind])
        for index, maker in enumerate(score.makers)
        for kind, name in enumerate(KINDS)
        if score.credit[index][kind] or score.present_ms[index][kind]
    ]  # fmt: skip
