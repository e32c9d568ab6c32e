"""Scores epochs piece by piece: each market from one end of a session to the next, by whichever worker comes first.

A stretch is derived, never a fact: whatever doesn't fit the epoch's events any more is thrown away and done again,
and at the end every stretch is held against the events that go into the evidence. See docs/decisions/0008.
"""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from config import failpoints
from onchain.locks import try_lock
from onchain.models import Market
from onchain.selectors import last_block_before, market_events_arrow, settled_through_ms
from rewards.engine.bundle import ENGINE_VERSION
from rewards.engine.errors import EngineError, StateError
from rewards.engine.eventdigest import NO_EVENTS, digest_events
from rewards.engine.events import EventColumns, MarketEvents
from rewards.engine.evidence import Inputs
from rewards.engine.jsontext import canonical_json
from rewards.engine.live import MarketScore, MarketScorer, merge_scores
from rewards.engine.statebytes import dump_score, load_score
from rewards.models import Epoch, Stretch
from rewards.services.gathering import Ground, ground_of

logger = logging.getLogger(__name__)


def stretch_ends(ground: Ground) -> list[int]:
    """Return the times (ms UTC) at which the epoch's stretches end: the ends of its sessions, at last its own."""
    epoch = ground.terms.epoch
    return sorted({min(end, epoch.end_ms) for _, end, _ in ground.sessions.rows if end > epoch.start_ms})


def stretch_key(ground: Ground, *, market: str) -> str:
    """Return a hash of all that a market's stretches depend on beside its events."""
    # What the market's events are made with is in it: a correction there shows before any event is read.
    derived = Market.objects.filter(name=market).values("adapter", "address", "start_block", "config").first()
    parts: list[object] = [ENGINE_VERSION, ground.scorer(market).key, derived]
    if market in ground.halts:
        parts.append([list(span) for span in ground.halts[market]])
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def stretches_due(*, now: datetime) -> list[tuple[int, str]]:
    """Return (epoch id, market) wherever the events of a whole stretch are settled and it is not done.

    now: this machine's clock; an epoch that was stopped a short while ago is left alone until its `retry_at`.
    """
    Epoch.objects.filter(state=Epoch.State.LIVE, retry_at__lte=now).update(retry_at=None, note="")
    due = []
    for epoch in Epoch.objects.filter(state=Epoch.State.LIVE, retry_at=None).order_by("end_ms", "pk"):
        ground = ground_of(epoch)
        ends = stretch_ends(ground)
        for market in sorted(ground.terms.markets):
            rows = Stretch.objects.filter(epoch=epoch, market=market, key=stretch_key(ground, market=market))
            newest_ms = rows.aggregate(newest_ms=Max("until_ms"))["newest_ms"] or epoch.start_ms
            following = next((end for end in ends if end > newest_ms), None)
            if following is not None and following <= settled_through_ms(markets=[market]):
                due.append((epoch.pk, market))
    return due


def stretch_score_next(*, epoch_id: int, market: str) -> bool:
    """Do the next due stretch of a market; False when none is due, or another process is at this market."""
    turns = iter((True, False))
    return stretches_score(epoch_id=epoch_id, market=market, keep_going=lambda: next(turns)) > 0


def stretches_score(*, epoch_id: int, market: str, keep_going: Callable[[], bool] = lambda: True) -> int:
    """Do the due stretches of a market one after the other until `keep_going` says no; returns how many.

    Each is stored as soon as it is done. Returns 0 at once while another process is at this market. Raises
    onchain's errors of market events and the engine's.
    """
    with try_lock(f"stretches of {epoch_id} {market}") as held:
        epoch = Epoch.objects.filter(pk=epoch_id, state=Epoch.State.LIVE).first() if held else None
        if epoch is None:
            return 0
        chain = _Chain(epoch, ground_of(epoch), market)
        settled_ms = settled_through_ms(markets=[market])
        done = 0
        if chain.next_end(settled_ms) is not None:
            chain.drop_stale()
        while chain.next_end(settled_ms) is not None and keep_going():
            try:
                chain.add()
                done += 1
            except EngineError:
                if chain.is_fresh:
                    raise
                # Either the events are wrong, or those of an old stretch were corrected since: the start will tell.
                chain.drop()
        return done


def stretched_scores(*, epoch: Epoch, inputs: Inputs, ground: Ground) -> dict[str, MarketScore]:
    """Return the score of every market of an epoch that is over: its stretches together.

    Every market's stretches are held against the events of `inputs`, which the evidence will show; where they are
    not of exactly these events, or one lacks, the market is scored from the events instead. ground: what the inputs
    were gathered on. Raises the engine's errors.
    """
    tables = inputs.events.split(makers=inputs.makers)
    scores = {}
    for market in inputs.terms.markets:
        events = tables.get(market, MarketEvents.none())
        score = _merged(_Chain(epoch, ground, market), events)
        if score is None:
            logger.warning("Epoch %s is scored from its events in %s: its stretches don't fit", epoch.number, market)
            scorer = ground.scorer(market)
            scorer.feed_market(events)
            score = scorer.finish()
        scores[market] = score
    return scores


def stretches_done(*, epoch: Epoch, market: str) -> bool:
    """Tell whether a market's stretches reach the epoch's end."""
    return Stretch.objects.filter(epoch=epoch, market=market, until_ms=epoch.end_ms).exists()


class _Chain:
    """The stretches of one market in their order, as far as they are of the right key."""

    def __init__(self, epoch: Epoch, ground: Ground, market: str) -> None:
        self.epoch, self.ground, self.market = epoch, ground, market
        self.key = stretch_key(ground, market=market)
        self.ends = stretch_ends(ground)
        self._scorer: MarketScorer | None = None
        self._load()

    def next_end(self, settled_ms: int) -> int | None:
        """Return when the next stretch ends, None when all are done or its events are not settled."""
        following = self.ends[len(self.rows)] if len(self.rows) < len(self.ends) else None
        return following if following is not None and following <= settled_ms else None

    def drop_stale(self) -> None:
        """Throw the market's stretches away when its newest is not what it would be today.

        Only the newest one's events are read again: all are held against the evidence's at the end.
        """
        try:
            fits = self.is_whole and (not self.rows or self._is_as_today(len(self.rows) - 1))
        except StateError:
            fits = False
        if not fits:
            self.drop()

    def drop(self) -> None:
        """Throw the market's stretches away, to begin at the epoch's start."""
        logger.warning("The stretches of %s in epoch %s are done again", self.market, self.epoch.number)
        Stretch.objects.filter(epoch=self.epoch, market=self.market).delete()
        self._scorer = None
        self._load()

    def add(self) -> None:
        """Replay the next stretch and store it; one that is there already stays."""
        number = len(self.rows)
        end_ms = self.ends[number]
        scorer = self._scorer or self._restored()
        events = self._events(number)
        failpoints.hit("stretches.read")
        scorer.feed_market(events)
        if end_ms == self.epoch.end_ms:
            # Only here: at an earlier end, an event of a later block may still turn out to be from before it.
            scorer.advance_to(time_ms=end_ms)
        last = last_block_before(time_ms=end_ms)
        row = Stretch(
            epoch=self.epoch, market=self.market, number=number, until_ms=end_ms,
            through_block=last.number if last else -1, key=self.key, events=len(events),
            digest=digest_events(events, after=self._digest_before(number)), score=dump_score(scorer.take()),
            state=scorer.state(),
        )  # fmt: skip
        failpoints.hit("stretches.replayed")
        self._store(row)
        failpoints.hit("stretches.stored")
        self.rows.append(row)
        self._scorer = scorer

    def _store(self, row: Stretch) -> None:
        with transaction.atomic():
            # An epoch that was scored meanwhile needs no stretches; its lock keeps them from slipping in behind.
            if Epoch.objects.select_for_update().get(pk=self.epoch.pk).state == Epoch.State.LIVE:
                Stretch.objects.bulk_create([row], ignore_conflicts=True)
            failpoints.hit("stretches.before_commit")

    def _load(self) -> None:
        found = list(Stretch.objects.filter(epoch=self.epoch, market=self.market).order_by("number").defer("state"))
        ends = self.ends[: len(found)]
        self.is_whole = [(row.number, row.until_ms, row.key) for row in found] == [
            (number, end_ms, self.key) for number, end_ms in enumerate(ends)
        ]
        self.rows = found if self.is_whole else []
        self.is_fresh = not self.rows

    def _restored(self) -> MarketScorer:
        return self.ground.scorer(self.market, state=bytes(self.rows[-1].state) if self.rows else None)

    def _is_as_today(self, number: int) -> bool:
        self._scorer = self._restored()
        events = self._events(number)
        return digest_events(events, after=self._digest_before(number)) == self.rows[number].digest

    def _digest_before(self, number: int) -> str:
        return self.rows[number - 1].digest if number else NO_EVENTS

    def _events(self, number: int) -> MarketEvents:
        from_ms = self.ends[number - 1] if number else self.epoch.start_ms
        to_ms = self.ends[number]
        table = market_events_arrow(
            markets=[self.market], from_ms=from_ms, to_ms=to_ms, carry_in=number == 0,
            splits=self.ground.splits_by_market,
        )  # fmt: skip
        table = self.ground.with_halts(table, markets=[self.market], from_ms=from_ms, to_ms=to_ms)
        tables = EventColumns.from_arrow(table).split(makers=self.ground.makers)
        return tables.get(self.market, MarketEvents.none())


def _merged(chain: _Chain, events: MarketEvents) -> MarketScore | None:
    """Return the score of a whole chain, None unless it reaches the end and is of exactly these events."""
    if len(chain.rows) < len(chain.ends):
        return None
    digest, start = NO_EVENTS, 0
    for row in chain.rows:
        # Blocks rise, and what is carried in comes first.
        stop = int(events.block.searchsorted(row.through_block, side="right"))
        digest = digest_events(events.slice(start, stop), after=digest)
        start = stop
    if start != len(events) or digest != chain.rows[-1].digest:
        return None
    try:
        return merge_scores([load_score(bytes(row.score)) for row in chain.rows])
    except StateError:
        return None
