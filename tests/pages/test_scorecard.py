"""The scorecard's range, steps, luck, files, and where next: the engine's figures, on pages and in files."""

import csv
import io

import pyarrow.csv
import pyarrow.parquet
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Maker, User
from rewards import tasks
from rewards.analysis.luck import sampling_luck
from rewards.analysis.statistics import By
from rewards.engine.evidence import read_inputs
from rewards.models import Allocation, Epoch, LiveStanding, QuoteCells, SamplingLuck
from rewards.selectors.luck import maker_luck
from rewards.selectors.makers import maker_scorecard
from rewards.selectors.quoted import quoted
from rewards.selectors.standings import pool_pays
from rewards.selectors.waterfall import market_waterfall
from rewards.selectors.where_next import where_next
from rewards.services.live import live_score
from rewards.services.luck import luck_compute, luck_due
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from rewards.services.scoring import epoch_score
from tests.pages.factories import scene
from tests.rewards.test_stretches import busy_epoch
from tests.rows import settle_all, settle_through

pytestmark = pytest.mark.django_db


@pytest.fixture
def epoch(settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    made = busy_epoch()
    settle_all()
    add_up()
    epoch_score(epoch_id=made.pk)
    made.refresh_from_db()
    return made


def add_up() -> None:
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)


def member_of(slug: str) -> Client:
    person = User.objects.create_user(username=f"of {slug}", role="maker")
    Maker.objects.get(slug=slug).members.add(person)
    client = Client()
    client.force_login(person)
    return client


def read(client: Client, address: str) -> list[dict]:
    """The rows of a CSV, which are those of the Parquet file beside it."""
    text = client.get(address).content
    packed = client.get(address.replace(".csv", ".parquet")).content
    table = pyarrow.parquet.read_table(io.BytesIO(packed))
    assert all(field.metadata[b"meaning"] for field in table.schema)
    as_typed = pyarrow.csv.ConvertOptions(column_types=table.schema, strings_can_be_null=True)
    assert pyarrow.csv.read_csv(io.BytesIO(text), convert_options=as_typed).to_pylist() == table.to_pylist()
    return list(csv.DictReader(io.StringIO(text.decode())))


def test_steps_files_and_page_say_the_allocations_to_the_unit(epoch):
    row = Allocation.objects.filter(epoch=epoch).exclude(quoting=0).first()
    client = member_of(row.maker)
    where = [row.maker, epoch.program.slug, epoch.number]

    def rows(name: str) -> list[dict]:
        return read(client, reverse("scorecard-tables", args=[*where, name, "csv"]) + f"?market={row.market}")

    steps = rows("steps")
    assert sum(int(each["change_raw"]) for each in steps) == row.payout == int(steps[-1]["after_raw"])
    assert next(int(each["after_raw"]) for each in steps if each["step"] == "gate") == row.quoting
    pays = {each["market"]: each for each in rows("markets")}
    assert pays[row.market]["pay_raw"] == pays[row.market]["most_raw"] == str(row.payout)
    assert int(pays[row.market]["pay_tokens"].replace(".", "")) % 10**18 == row.payout % 10**18
    assert sum(int(each["pay_raw"]) for each in rows("sessions") if each["market"] == row.market) == row.quoting
    assert rows("stretches")[0]["start_ms"] == str(epoch.start_ms)
    assert {each["kind"] for each in rows("presence")} <= {"regular", "pre", "post", "overnight", "weekend", "holiday"}
    assert rows("hours")
    page = client.get(reverse("scorecard", args=where) + f"?market={row.market}").content.decode()
    assert "From the pool to your pay" in page
    assert client.get(reverse("scorecard-tables", args=[*where, "nothing", "csv"])).status_code == 404
    assert client.get(reverse("scorecard-tables", args=[*where, "steps", "csv"])).status_code == 404
    other = member_of(Maker.objects.exclude(slug=row.maker).first().slug)
    for name in ("markets", "steps"):
        address = reverse("scorecard-tables", args=[*where, name, "csv"])
        assert other.get(address, {"market": row.market}).status_code == 403


def test_every_makers_steps_lead_to_its_allocation(epoch):
    for pay in pool_pays(epoch=epoch):
        found = quoted(epoch=epoch, market=pay.market, maker=pay.maker)
        steps = market_waterfall(epoch=epoch, found=found, pay=pay)
        assert steps.base + sum(each.change for each in steps.steps) == pay.payout
        assert next(each.after for each in steps.steps if each.name == "gate") == pay.quoting


def test_while_an_epoch_is_live_the_estimate_is_a_range_in_order_and_the_steps_lead_to_its_middle():
    epoch = busy_epoch()
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    add_up()
    live_score(epoch_id=epoch.pk)
    standings = list(LiveStanding.objects.filter(epoch=epoch))
    assert standings
    for each in standings:
        assert each.accrued <= each.estimate <= each.most
    assert any(each.accrued < each.estimate < each.most for each in standings)
    pay = pool_pays(epoch=epoch)[0]
    steps = market_waterfall(epoch=epoch, found=quoted(epoch=epoch, market=pay.market, maker=pay.maker), pay=pay)
    assert steps.base + sum(each.change for each in steps.steps) == pay.payout
    card = maker_scorecard(epoch_id=epoch.pk, maker=pay.maker, now_ms=pay.as_of_ms)
    assert card.accrued <= card.payout <= card.most


def test_luck_is_worked_out_once_for_an_evidence_and_is_the_analysis_own(epoch, settings):
    now = timezone.now()
    assert luck_due(now=now) == [epoch.pk]
    assert luck_compute(epoch_id=epoch.pk, now=now, draws=20)
    assert not luck_compute(epoch_id=epoch.pk, now=now, draws=20)
    assert luck_due(now=now) == []
    inputs = read_inputs(settings.EVIDENCE_DIR / epoch.evidence_name)
    for maker, expected in sampling_luck(inputs, draws=20, seed=1).by_maker.items():
        found = maker_luck(epoch=epoch, maker=maker)
        assert (found.low, found.high, found.exact) == (expected.low, expected.high, expected.exact)
        earned = sum(Allocation.objects.filter(epoch=epoch, maker=maker).values_list("payout", flat=True))
        assert found.exact == earned
        assert found.least <= found.low <= found.mean <= found.high <= found.most
    row = Allocation.objects.filter(epoch=epoch).first()
    client, where = member_of(row.maker), [row.maker, epoch.program.slug, epoch.number]
    luck, found = sampling_luck(inputs, draws=20, seed=1).by_maker[row.maker], {}
    for each in read(client, reverse("scorecard-tables", args=[*where, "luck", "csv"])):
        found[each["of"]] = int(each["pay_raw"])
    assert (found["low"], found["high"], found["exact"]) == (luck.low, luck.high, luck.exact)
    page = client.get(reverse("scorecard", args=where))
    assert "Sampling once a minute would have paid you between" in page.content.decode()
    # Scored again to other evidence, what was sampled of the old one is not shown.
    Epoch.objects.filter(pk=epoch.pk).update(manifest_hash="0x" + "9" * 64)
    epoch.refresh_from_db()
    assert maker_luck(epoch=epoch, maker=row.maker) is None
    assert luck_due(now=now) == [epoch.pk]


def test_evidence_that_cannot_be_read_leaves_a_sentence_and_is_tried_again_later(epoch, settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "elsewhere"
    now = timezone.now()
    tasks.sample_luck(epoch.pk)
    row = SamplingLuck.objects.get()
    assert row.makers is None
    assert row.note
    assert luck_due(now=now) == []
    assert luck_due(now=row.retry_at) == [epoch.pk]


def test_where_next_measures_the_others_and_the_calculator_answers_without_javascript(epoch, monkeypatch):
    """The chain stands still before the epoch's middle, so some of its sessions are still to come."""
    maker = Allocation.objects.filter(epoch=epoch).exclude(quoting=0).first().maker
    middle_ms = (epoch.start_ms + epoch.end_ms) // 2
    found = where_next(program=epoch.program.slug, maker=maker, now_ms=middle_ms)
    assert found.now.start_ms <= middle_ms < found.now.end_ms
    assert len({row.kind for row in found.sessions}) == len(found.sessions)
    measured = [chance for chance in found.chances if chance.measured]
    assert measured
    for chance in measured:
        cells = quoted(epoch=epoch, market=chance.market, maker=maker).cells
        whole = {row["start_ms"]: row for row in cells.market_table(by=By.SESSION).to_pylist()}
        own = {row["start_ms"]: row for row in cells.maker_table(by=By.SESSION).to_pylist()}
        seen = chance.measured
        theirs = whole[seen.start_ms]["quality_lots"] - own[seen.start_ms]["quality_lots"]
        assert seen.place.others / 10**6 == pytest.approx(theirs, abs=1e-5)
        assert whole[seen.start_ms]["kind"] == chance.session.kind
    QuoteCells.objects.update(sums=None)
    assert where_next(program=epoch.program.slug, maker=maker, now_ms=middle_ms).chances == found.chances
    monkeypatch.setattr("rewards.views.where_next.page_now_ms", lambda: middle_ms)
    client = member_of(maker)
    address = reverse("where-next", args=[maker, epoch.program.slug])
    chance = measured[0]
    asked = {"market": chance.market, "kind": chance.session.kind, "lots": 5000, "bps": 1}
    page = client.get(address, asked).content.decode()
    assert "Share of the market’s rate" in page
    assert "Enter a whole number" in client.get(address, {**asked, "lots": "many"}).content.decode()
    assert "Select a valid choice" in client.get(address, {**asked, "kind": "noon"}).content.decode()
    assert "Too small" in client.get(address, {**asked, "lots": 1}).content.decode()
    rows = read(client, reverse("where-next-table", args=[maker, epoch.program.slug, "csv"]))
    assert {row["one_lot_hour_raw"] for row in rows} == {
        "" if each.one_lot_raw is None else str(each.one_lot_raw) for each in found.chances
    }


QUERIES = {("scorecard", 3): 29, ("scorecard", 1): 26, ("where-next",): 17}


@pytest.mark.parametrize("count", [1, 4])
def test_a_page_takes_the_same_queries_for_one_market_and_for_many(count):
    made = scene(markets=tuple(f"M{number}-PERP" for number in range(count)))
    client = Client()
    client.force_login(made.people["treasurer"])
    taken = {}
    for name, *extra in QUERIES:
        address = reverse(name, args=["aurora", made.program.slug, *extra])
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        taken[name, *extra] = len(queries)
    assert taken == QUERIES
