"""Running scores of the epoch that is live: estimates for people, never a source of money."""

import copy
import json
from dataclasses import dataclass

from django.db import transaction

from config import failpoints
from onchain.selectors import market_events_arrow, settled_through_ms
from rewards.analysis.reach import most_of
from rewards.engine.allocation import AllocationRow, allocate_market
from rewards.engine.errors import EngineError
from rewards.engine.eventdigest import NO_EVENTS
from rewards.engine.events import EventColumns
from rewards.engine.kinds import KINDS
from rewards.engine.live import MarketScore, MarketScorer, merge_scores
from rewards.engine.statebytes import dump_score, load_score
from rewards.errors import NotYetError
from rewards.models import Epoch, LiveStanding, LiveState, Score, Stretch
from rewards.services.announcing import announce, epoch_topic
from rewards.services.gathering import Ground, ground_of
from rewards.services.stretches import stretch_key

PPM = 1_000_000


@dataclass(slots=True, kw_only=True)
class _Run:
    """The running score of a market. It goes on from the stretch with the digest `base`, whose score is `before`.

    until_ms: the events of all blocks before it are in. now_ms: time is settled up to there, in `score` alone.
    """

    market: str
    key: str
    base: str
    before: MarketScore
    scorer: MarketScorer
    until_ms: int
    state: bytes = b""
    now_ms: int = 0

    @property
    def score(self) -> MarketScore:
        """The score since the epoch began."""
        return merge_scores([self.before, self.scorer.snapshot()])


def live_score(*, epoch_id: int) -> int:
    """Score a live epoch up to the chain's settled time and store the standings; returns that time (ms UTC).

    Only events since the last call are looked at. Each market is as far as its own events are settled; the time
    that is returned is the earliest. Raises NotYetError before there is anything to score.
    """
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    ground = ground_of(epoch)
    runs = [run for market in sorted(ground.terms.markets) if (run := _advanced(epoch, ground, market)) is not None]
    if epoch.state != Epoch.State.LIVE or not runs:
        raise NotYetError(what=f"The standing of epoch {epoch.number}", waits_for="its first settled block")
    with transaction.atomic():
        locked = Epoch.objects.select_for_update().get(pk=epoch_id)
        if locked.state == Epoch.State.LIVE:
            _store(locked, ground, runs)
            announce(epoch_topic(locked.pk))
            failpoints.hit("live.before_commit")
    failpoints.hit("live.stored")
    return min(run.now_ms for run in runs)


def live_due() -> list[int]:
    """Return the live epochs that have a market with settled time that is not in its standing yet."""
    known = {
        (epoch, market): until for epoch, market, until in LiveState.objects.values_list("epoch", "market", "until_ms")
    }
    settled: dict[str, int] = {}
    due = []
    for epoch in Epoch.objects.filter(state=Epoch.State.LIVE):
        for market in json.loads(epoch.terms_json)["markets"]:
            if market not in settled:
                settled[market] = settled_through_ms(markets=[market])
            if known.get((epoch.pk, market), epoch.start_ms) < min(settled[market], epoch.end_ms):
                due.append(epoch.pk)
                break
    return due


def _advanced(epoch: Epoch, ground: Ground, market: str) -> _Run | None:
    """Return a market's run as of now, None before its first settled block."""
    settled_ms = min(settled_through_ms(markets=[market]), epoch.end_ms)
    if epoch.state != Epoch.State.LIVE or settled_ms <= epoch.start_ms:
        return None
    try:
        return _fed(_begun(epoch, ground, market), epoch, ground, settled_ms)
    except EngineError:
        # Either the events are wrong, or those of the past were corrected since: the start will tell.
        return _fed(_afresh(epoch, ground, market), epoch, ground, settled_ms)


def _fed(run: _Run, epoch: Epoch, ground: Ground, settled_ms: int) -> _Run:
    """Give a run the events that are new to it."""
    if run.until_ms < settled_ms:
        is_first = run.base == NO_EVENTS and run.until_ms == epoch.start_ms
        table = market_events_arrow(
            markets=[run.market],
            from_ms=run.until_ms,
            to_ms=settled_ms,
            carry_in=is_first,
            splits=ground.splits_by_market,
        )
        table = ground.with_halts(table, markets=[run.market], from_ms=run.until_ms, to_ms=settled_ms)
        run.scorer.feed(EventColumns.from_arrow(table))
        run.until_ms = settled_ms
    # The kept state settles no time beyond its events: a later block may still tell of something before now.
    run.state = run.scorer.state()
    run.now_ms = run.until_ms
    run.scorer.advance_to(time_ms=run.now_ms)
    return run


def _begun(epoch: Epoch, ground: Ground, market: str) -> _Run:
    """Return the run where it stands: as it was kept, else at the newest stretch, else at the epoch's start."""
    key = stretch_key(ground, market=market)
    stretches = list(Stretch.objects.filter(epoch=epoch, market=market, key=key).order_by("number").defer("state"))
    base = stretches[-1].digest if stretches else NO_EVENTS
    kept = LiveState.objects.filter(epoch=epoch, market=market, key=key, base=base).first()
    if kept is not None:
        return _Run(market=market, key=key, base=base, before=load_score(bytes(kept.before)),
                    scorer=ground.scorer(market, state=bytes(kept.state)), until_ms=kept.until_ms)  # fmt: skip
    if stretches:
        return _Run(market=market, key=key, base=base,
                    before=merge_scores([load_score(bytes(row.score)) for row in stretches]),
                    scorer=ground.scorer(market, state=bytes(stretches[-1].state)),
                    until_ms=stretches[-1].until_ms)  # fmt: skip
    return _afresh(epoch, ground, market)


def _afresh(epoch: Epoch, ground: Ground, market: str) -> _Run:
    scorer = ground.scorer(market)
    return _Run(market=market, key=stretch_key(ground, market=market), base=NO_EVENTS, before=scorer.snapshot(),
                scorer=scorer, until_ms=epoch.start_ms)  # fmt: skip


def _store(epoch: Epoch, ground: Ground, runs: list[_Run]) -> None:
    for model in (LiveStanding, Score, LiveState):
        model.objects.filter(epoch=epoch).delete()
    scores = {run.market: run.score for run in runs}
    LiveState.objects.bulk_create(
        LiveState(epoch=epoch, market=run.market, key=run.key, base=run.base, until_ms=run.until_ms,
                  before=dump_score(run.before), state=run.state)
        for run in runs
    )  # fmt: skip
    LiveStanding.objects.bulk_create(
        standing for run in runs for standing in _standings(epoch, ground, run.market, scores[run.market], run.now_ms)
    )
    Score.objects.bulk_create(row for market, score in scores.items() for row in _score_rows(epoch, market, score))


def _standings(epoch: Epoch, ground: Ground, market: str, score: MarketScore, as_of_ms: int) -> list[LiveStanding]:
    """Return each maker's estimate (the epoch goes on as so far), what is safe (nobody quotes any more), and the most.

    docs/scorecard.md defines the three.
    """
    most = most_of(terms=ground.terms, market=market, score=score, left_ms=_lengths_ms(ground, from_ms=as_of_ms))
    estimates = {row.maker: row for row in allocate_market(terms=ground.terms, market=market, score=score)}
    safe = {row.maker: row for row in _if_all_stopped(ground, market, score)}
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
            most=max(row.payout, most(maker, fills=row.fills, stress=row.stress)),
        )
        for maker, row in estimates.items()
    ]


def _if_all_stopped(ground: Ground, market: str, score: MarketScore) -> list[AllocationRow]:
    """Allocate as if the market stayed live to the epoch's end and no quote counted from now on."""
    whole = copy.copy(score)
    whole.live_ms = _lengths_ms(ground, from_ms=ground.terms.epoch.start_ms)
    return allocate_market(terms=ground.terms, market=market, score=whole)


def _lengths_ms(ground: Ground, *, from_ms: int) -> list[int]:
    """Return by kind how long it lasts in the epoch from a time on."""
    lengths_ms, end_of_epoch_ms = [0] * len(KINDS), ground.terms.epoch.end_ms
    for (start_ms, end_ms, _), kind in zip(ground.sessions.rows, ground.sessions.kind_indices, strict=True):
        lengths_ms[kind] += max(0, min(end_ms, end_of_epoch_ms) - max(start_ms, from_ms))
    return lengths_ms


def _score_rows(epoch: Epoch, market: str, score: MarketScore) -> list[Score]:
    return [
        Score(epoch=epoch, market=market, maker=maker, kind=name, credit=score.credit[index][kind],
              present_ms=score.present_ms[index][kind], live_ms=score.live_ms[kind])
        for index, maker in enumerate(score.makers)
        for kind, name in enumerate(KINDS)
        if score.credit[index][kind] or score.present_ms[index][kind]
    ]  # fmt: skip
