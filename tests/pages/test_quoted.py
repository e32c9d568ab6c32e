"""What a scorecard draws: the same figures as the engine's, for its maker's members alone."""

import csv
import io

import pyarrow.parquet
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Maker, User
from rewards.models import Allocation, Score
from rewards.selectors.quoted import REASONS, quoted
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from rewards.services.scoring import epoch_score
from tests.rewards.test_stretches import busy_epoch
from tests.rows import settle_all, settle_through

pytestmark = pytest.mark.django_db


@pytest.fixture
def epoch(settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    made = busy_epoch()
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    epoch_score(epoch_id=made.pk)
    made.refresh_from_db()
    return made


def member_of(slug: str) -> Client:
    person = User.objects.create_user(username=f"of {slug}", role="maker")
    Maker.objects.get(slug=slug).members.add(person)
    client = Client()
    client.force_login(person)
    return client


def test_the_hours_of_the_week_sum_to_the_quoting_pay_but_for_what_floors_leave(epoch):
    rows = list(Allocation.objects.filter(epoch=epoch).exclude(quoting=0))
    assert rows
    for row in rows:
        hours = quoted(epoch=epoch, market=row.market, maker=row.maker).hours
        total = sum(each.raw for each in hours)
        assert row.quoting - len(hours) <= total <= row.quoting


def test_the_stretches_cover_the_epoch_without_a_gap_and_name_known_reasons(epoch):
    for score in Score.objects.filter(epoch=epoch):
        found = quoted(epoch=epoch, market=score.market, maker=score.maker)
        assert found.stretches[0].start_ms == epoch.start_ms
        assert found.stretches[-1].end_ms == epoch.end_ms
        for before, after in zip(found.stretches, found.stretches[1:], strict=False):
            assert before.end_ms == after.start_ms
            assert before.reason != after.reason
        assert {each.reason for each in found.stretches} <= set(REASONS)


def test_while_an_epoch_is_live_the_hours_are_what_is_safe():
    made = busy_epoch()
    settle_through((made.start_ms + made.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    found = quoted(epoch=made, market="A-PERP", maker=Maker.objects.first().slug)
    assert found.until_ms < made.end_ms
    assert found.stretches[-1].end_ms == found.until_ms


def test_a_member_gets_lines_files_and_a_moment_and_another_makers_member_none(epoch):
    row = Allocation.objects.filter(epoch=epoch).first()
    client = member_of(row.maker)
    where = [row.maker, epoch.program.slug, epoch.number]
    lines = client.get(reverse("scorecard-series", args=[*where, row.market])).json()
    assert len(lines["start_s"]) == len(lines["share"]) == len(lines["limit_bps"]) == len(lines["bid_lots"])
    text = client.get(reverse("scorecard-table", args=[*where, row.market, "csv"])).content.decode()
    table = list(csv.DictReader(io.StringIO(text)))
    score = Score.objects.filter(epoch=epoch, market=row.market, maker=row.maker)
    assert sum(int(each["credit"]) for each in table) == sum(score.values_list("credit", flat=True))
    packed = client.get(reverse("scorecard-table", args=[*where, row.market, "parquet"])).content
    assert pyarrow.parquet.read_table(io.BytesIO(packed)).column("credit").to_pylist() == [
        int(each["credit"]) for each in table
    ]
    page = client.get(reverse("scorecard", args=where) + f"?market={row.market}").content.decode()
    assert "How you quoted in" in page
    look = reverse("scorecard-moment", args=[*where, row.market, (epoch.start_ms + epoch.end_ms) // 2])
    assert "Your share of the rate" in client.get(look).content.decode()
    other = member_of(Maker.objects.exclude(slug=row.maker).first().slug)
    for name, extra in (("scorecard-series", []), ("scorecard-table", ["csv"])):
        assert other.get(reverse(name, args=[*where, row.market, *extra])).status_code == 403
    assert other.get(look).status_code == 403


def test_vendored_files_are_those_of_their_list(settings):
    import hashlib

    folder = settings.BASE_DIR / "rewards/static/rewards/vendor"
    listed = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {str(path.relative_to(folder)) for path in folder.glob("*/*")}
    assert set(listed) == found
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_a_stretch_of_the_timeline_leads_to_a_dispute_about_exactly_it(epoch):
    score = Score.objects.filter(epoch=epoch).first()
    stretch = quoted(epoch=epoch, market=score.market, maker=score.maker).stretches[0]
    type(epoch).objects.filter(pk=epoch.pk).update(review_until_ms=2**42)
    client = member_of(score.maker)
    args = [score.maker, epoch.program.slug, epoch.number]
    page = client.get(reverse("scorecard", args=args), {"market": score.market}).content.decode()
    where = f"?market={score.market}&amp;from={stretch.start_ms}&amp;to={stretch.end_ms}"
    assert reverse("dispute-new", args=args) + where in page
    stranger = User.objects.create_user(username="an auditor", role="auditor")
    client.force_login(stranger)
    page = client.get(reverse("scorecard", args=args), {"market": score.market}).content.decode()
    assert reverse("dispute-new", args=args) not in page
