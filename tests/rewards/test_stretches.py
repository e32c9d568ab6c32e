"""Epochs scored piece by piece, by anybody, in any order, with deaths between: the same root and the same evidence."""

import zlib
from datetime import timedelta
from pathlib import Path
from random import Random

import psycopg
import pyarrow as pa
import pytest
from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.services import maker_enrol, maker_payouts_set
from config import failpoints
from onchain.locks import LOCK_CLASS
from onchain.models import Market, MarketEvent
from rewards import tasks
from rewards.engine import evidence, scoring
from rewards.errors import NotYetError
from rewards.models import Epoch, LiveState, Score, Stretch
from rewards.services import live
from rewards.services.gathering import gather, ground_of
from rewards.services.scoring import epoch_score, stretches_score_or_stop
from rewards.services.stretches import stretch_ends, stretch_score_next, stretches_due, stretches_score
from tests.bench.workloads import duration_ms, maker_addresses, market_columns, sessions_for, terms_for
from tests.engine.random_epochs import write_random_bundle
from tests.engine.reference import score_reference
from tests.operators import OPERATOR
from tests.rows import blocks_of, put_epoch, settle_all, settle_through

pytestmark = pytest.mark.django_db
# Random epochs that can be scored, with one to three markets, and two to seven sessions.
STRANGER = "0x" + "5" * 40
SEEDS = (0, 1, 2, 3, 4, 5, 6, 7)


@pytest.fixture(autouse=True)
def _evidence(settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"


@pytest.fixture
def no_fallback(caplog):
    """Fail a test whose epoch was not scored from its stretches."""
    yield
    assert "scored from its events" not in caplog.text


def random_epoch(folder: Path, seed: int) -> tuple[Epoch, dict]:
    """Put the random epoch of a seed into the database; returns it and the second implementation's answer."""
    write_random_bundle(folder / "bundle", seed, size=3)
    inputs = evidence.read_inputs(folder / "bundle")
    place, times = blocks_of(inputs, Random(seed))
    return put_epoch(inputs, place=place, times=times), score_reference(folder / "bundle")


def busy_epoch() -> Epoch:
    """An epoch of two markets with 600 events each, in some five sessions of seven seconds."""
    markets = ["A-PERP", "B-PERP"]
    parts = [
        market_columns(market=name, events=600, makers=5, orders_each=4, seed=seed)
        for seed, name in enumerate(markets)
    ]  # fmt: skip
    terms = terms_for(markets=markets, duration_ms=max(duration_ms(part) for part in parts) - 55_000)
    makers = maker_addresses(5)
    inputs = evidence.Inputs(
        terms=terms, sessions=sessions_for(terms, length_ms=7_000), makers=makers,
        payouts={maker: [(address, 1_000_000)] for address, maker in makers.items()}, carried_in={}, previous=None,
        events=evidence.EventColumns.from_arrow(pa.concat_tables([part.to_arrow() for part in parts])),
    )  # fmt: skip
    place, times = blocks_of(inputs, Random(1))
    return put_epoch(inputs, place=place, times=times)


def straight_files(epoch: Epoch, folder: Path) -> dict[str, bytes]:
    """The evidence of an epoch that is scored in one go from its first event to its last."""
    folder.mkdir()
    inputs = gather(epoch=epoch)
    evidence.write_inputs(folder, inputs)
    evidence.write_outputs(folder, inputs, scoring.score(inputs))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stored_files(epoch: Epoch, settings) -> dict[str, bytes]:
    folder = settings.EVIDENCE_DIR / epoch.evidence_name
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("manifest")}


def events_of(market: str, number: int) -> QuerySet[MarketEvent]:
    """The events of a stretch that is done, in their order."""
    row = Stretch.objects.get(market=market, number=number)
    first = Stretch.objects.get(market=market, number=number - 1).through_block if number else 0
    return MarketEvent.objects.filter(
        market_id=Market.objects.get(name=market).pk, block_number__gt=first, block_number__lte=row.through_block
    ).order_by("block_number", "log_index")


def correct(market: str, number: int) -> None:
    """Give a maker's order of a stretch another size, as a correction of the market's adapter would."""
    placed = events_of(market, number).filter(kind=MarketEvent.Kind.PLACE).exclude(address=STRANGER).first()
    MarketEvent.objects.filter(pk=placed.pk).update(size=F("size") + 1000)


@pytest.mark.usefixtures("no_fallback")
@pytest.mark.parametrize("seed", SEEDS)
def test_tasks_doubled_and_shuffled_while_the_chain_goes_on_give_the_straight_ways_evidence(seed, tmp_path, settings):
    epoch, expected = random_epoch(tmp_path, seed)
    rng = Random(seed)
    markets = sorted(ground_of(epoch).terms.markets)
    for time_ms in sorted(rng.sample(range(epoch.start_ms - 1000, epoch.end_ms + 1000), 6)):
        settle_through(time_ms)
        for market in rng.choices(markets, k=4):
            stretch_score_next(epoch_id=epoch.pk, market=market)
        try:
            live.live_score(epoch_id=epoch.pk)
        except NotYetError:
            assert not LiveState.objects.exists()
    settle_all()
    for market in rng.sample(markets * 2, 2 * len(markets)):
        stretches_score(epoch_id=epoch.pk, market=market)
    assert stretches_due(now=timezone.now()) == []
    assert Stretch.objects.count() == len(markets) * len(stretch_ends(ground_of(epoch)))
    straight = straight_files(epoch, tmp_path / "straight")
    live.live_score(epoch_id=epoch.pk)
    running = {
        (row.market, row.maker, row.kind): (row.credit, row.present_ms, row.live_ms) for row in Score.objects.all()
    }
    epoch = epoch_score(epoch_id=epoch.pk)
    assert (epoch.root or None) == expected["root"]
    assert running == {key: value for key, value in expected["scores"].items() if value[0] or value[1]}
    assert stored_files(epoch, settings) == straight
    assert not Stretch.objects.exists()
    assert not LiveState.objects.exists()


class DiedError(Exception):
    """Stands for a process that ends at a line."""


@pytest.mark.usefixtures("no_fallback")
@pytest.mark.parametrize("point", ["stretches.replayed", "stretches.before_commit", "stretches.stored"])
def test_a_worker_that_dies_at_any_point_of_any_stretch_leaves_the_same_evidence(
    point, tmp_path, settings, monkeypatch
):
    epoch = busy_epoch()
    straight = straight_files(epoch, tmp_path / "straight")
    due = {"alive": True}

    def hit(name: str) -> None:
        due["alive"] = not due["alive"] if name == point else due["alive"]
        if name == point and not due["alive"]:
            raise DiedError

    monkeypatch.setattr(failpoints, "hit", hit)
    deaths = 0
    while pending := stretches_due(now=timezone.now()):
        for epoch_id, market in pending:
            try:
                stretch_score_next(epoch_id=epoch_id, market=market)
            except DiedError:
                deaths += 1
    assert deaths >= 5
    monkeypatch.undo()
    epoch = epoch_score(epoch_id=epoch.pk)
    assert stored_files(epoch, settings) == straight


@pytest.mark.usefixtures("no_fallback")
def test_an_event_that_a_later_block_tells_of_counts_from_its_own_time(tmp_path, settings):
    """An order expires a millisecond before a session ends; the first block of the next session says so."""
    epoch = busy_epoch()
    end_ms = stretch_ends(ground_of(epoch))[0]
    stretches_score(epoch_id=epoch.pk, market="A-PERP")
    told = events_of("A-PERP", 1)[0]
    assert MarketEvent.objects.filter(pk=told.pk).update(time_ms=end_ms - 1)
    Stretch.objects.all().delete()
    straight = straight_files(epoch, tmp_path / "straight")
    settle_through(end_ms + 1_000)
    assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    live.live_score(epoch_id=epoch.pk)
    settle_all()
    live.live_score(epoch_id=epoch.pk)
    epoch = epoch_score(epoch_id=epoch.pk)
    assert stored_files(epoch, settings) == straight


@pytest.mark.usefixtures("no_fallback")
def test_a_correction_is_seen_at_the_next_stretch_and_all_is_done_again(tmp_path, settings):
    epoch = busy_epoch()
    for _ in range(2):
        assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    old = dict(Stretch.objects.values_list("number", "digest"))
    correct("A-PERP", 1)
    straight = straight_files(epoch, tmp_path / "straight")
    assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    assert Stretch.objects.count() == 1
    stretches_score(epoch_id=epoch.pk, market="A-PERP")
    new = dict(Stretch.objects.values_list("number", "digest"))
    assert new[0] == old[0]
    assert new[1] != old[1]
    assert stored_files(epoch_score(epoch_id=epoch.pk), settings) == straight


@pytest.mark.usefixtures("no_fallback")
def test_a_correction_of_an_old_stretch_that_only_a_later_event_shows_stops_nothing(tmp_path, settings):
    """A place that the adapter had missed in the first session is told; its order is cancelled in the third."""
    epoch = busy_epoch()
    stretches_score(epoch_id=epoch.pk, market="A-PERP")
    first, third = events_of("A-PERP", 0).last(), events_of("A-PERP", 2).last()
    Stretch.objects.all().delete()
    for _ in range(2):
        assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    order = {"market_id": first.market_id, "order_id": "missed", "log_index": 1000}
    MarketEvent.objects.create(
        **order, block_number=first.block_number, kind=MarketEvent.Kind.PLACE, is_bid=True, price=19_990, size=500,
        address=next(iter(maker_addresses(1))),
    )  # fmt: skip
    MarketEvent.objects.create(**order, block_number=third.block_number, kind=MarketEvent.Kind.CANCEL)
    straight = straight_files(epoch, tmp_path / "straight")
    live.live_score(epoch_id=epoch.pk)
    running = sorted(Score.objects.values_list("market", "maker", "kind", "credit", "present_ms", "live_ms"))
    epoch = epoch_score(epoch_id=epoch.pk)
    assert epoch.note == ""
    assert stored_files(epoch, settings) == straight
    assert running == sorted(Score.objects.values_list("market", "maker", "kind", "credit", "present_ms", "live_ms"))


@pytest.mark.parametrize("number", [0, 2])
def test_a_correction_after_the_last_stretch_never_meets_the_old_score(number, tmp_path, settings, caplog):
    epoch = busy_epoch()
    for market in ("A-PERP", "B-PERP"):
        stretches_score(epoch_id=epoch.pk, market=market)
    before = straight_files(epoch, tmp_path / "before")
    correct("A-PERP", number)
    straight = straight_files(epoch, tmp_path / "straight")
    assert straight["scores.csv"] != before["scores.csv"]
    epoch = epoch_score(epoch_id=epoch.pk)
    assert stored_files(epoch, settings) == straight
    assert "scored from its events in A-PERP" in caplog.text
    assert "scored from its events in B-PERP" not in caplog.text


@pytest.mark.usefixtures("no_fallback")
@pytest.mark.parametrize("change", ["config", "makers"])
def test_stretches_of_another_market_file_or_of_other_makers_are_due_again(change, tmp_path, settings, monkeypatch):
    epoch = busy_epoch()
    for market in ("A-PERP", "B-PERP"):
        stretches_score(epoch_id=epoch.pk, market=market)
    assert stretches_due(now=timezone.now()) == []
    if change == "config":
        Market.objects.filter(name="A-PERP").update(config={"lot_raw": "2"})
        stale = ["A-PERP"]
    else:
        maker = maker_enrol(by=OPERATOR, slug="latecomer", name="Latecomer", addresses=[STRANGER], since_ms=0)
        maker_payouts_set(by=OPERATOR, maker=maker, shares=[(STRANGER, 1_000_000)], since_ms=0)
        stale = ["A-PERP", "B-PERP"]
    assert stretches_due(now=timezone.now()) == [(epoch.pk, market) for market in stale]
    straight = straight_files(epoch, tmp_path / "straight")
    monkeypatch.setattr(tasks.score_stretches, "apply_async", lambda args, expires: tasks.score_stretches(*args))
    tasks.poke_stretches()
    assert stretches_due(now=timezone.now()) == []
    assert stored_files(epoch_score(epoch_id=epoch.pk), settings) == straight


@pytest.mark.parametrize("column", ["state", "score"])
def test_a_damaged_row_is_not_gone_on_from(column, tmp_path, settings):
    epoch = busy_epoch()
    assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    row = Stretch.objects.get()
    Stretch.objects.update(**{column: bytes(getattr(row, column))[:-1] + b" "})
    straight = straight_files(epoch, tmp_path / "straight")
    settle_through(epoch.start_ms + 9_000)
    live.live_score(epoch_id=epoch.pk)
    settle_all()
    stretches_score(epoch_id=epoch.pk, market="A-PERP")
    assert stored_files(epoch_score(epoch_id=epoch.pk), settings) == straight


def test_one_worker_is_at_a_market_and_the_epoch_waits_for_it():
    epoch = busy_epoch()
    target = connection.get_connection_params()
    with psycopg.connect(host=target["host"], user=target["user"], dbname=target["dbname"], autocommit=True) as other:
        number = zlib.crc32(f"stretches of {epoch.pk} B-PERP".encode()) - 2**31
        other.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, number])
        assert stretches_score(epoch_id=epoch.pk, market="B-PERP") == 0
        with pytest.raises(NotYetError, match="waits for the worker that is at B-PERP"):
            epoch_score(epoch_id=epoch.pk)
        assert set(Stretch.objects.values_list("market", flat=True)) == {"A-PERP"}
    assert epoch_score(epoch_id=epoch.pk).state == Epoch.State.SCORED


def test_what_is_wrong_with_a_markets_events_is_said_long_before_the_epoch_ends():
    epoch = busy_epoch()
    settle_through(epoch.start_ms + 9_000)
    MarketEvent.objects.filter(market_id=Market.objects.get(name="A-PERP").pk, kind=MarketEvent.Kind.PLACE).update(
        size=0
    )
    now = timezone.now()
    assert stretches_due(now=now) == [(epoch.pk, "A-PERP"), (epoch.pk, "B-PERP")]
    stretches_score_or_stop(epoch_id=epoch.pk, market="A-PERP", now=now)
    epoch.refresh_from_db()
    assert epoch.note.startswith("It can't be scored: ")
    assert "A-PERP" in epoch.note
    assert stretches_due(now=now) == []
    assert len(stretches_due(now=now + timedelta(minutes=6))) == 2
    epoch.refresh_from_db()
    assert epoch.note == ""


def test_a_live_standing_reads_each_event_once_and_starts_again_from_each_new_stretch(monkeypatch):
    epoch = busy_epoch()
    asked: list[tuple[int, int]] = []
    read = live.market_events_arrow

    def noted(**window):
        if window["markets"] == ["A-PERP"]:
            asked.append((window["from_ms"] - epoch.start_ms, window["to_ms"] - epoch.start_ms))
        return read(**window)

    monkeypatch.setattr(live, "market_events_arrow", noted)
    for until_s in (2, 4, 4, 6, 9):
        settle_through(epoch.start_ms + 1000 * until_s + 999)
        live.live_score(epoch_id=epoch.pk)
    assert [second for _, second in asked] == sorted({second for _, second in asked})
    assert [first for first, _ in asked] == [0, *(second for _, second in asked[:-1])]
    assert len(asked) == 4
    assert stretch_score_next(epoch_id=epoch.pk, market="A-PERP")
    live.live_score(epoch_id=epoch.pk)
    assert asked[-1] == (7_000, asked[-2][1])
