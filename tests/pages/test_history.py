"""The public question whether the money helped: sentence, figures, table and file agree with the rows."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rewards.models import EpochStatistics
from rewards.selectors.helped import SessionsOfEpoch
from rewards.services.programs import epoch_schedule, program_create
from rewards.views.figures.history import lines_figure
from rewards.views.helped import weekend_sentence
from tests.pages.factories import CHAIN_ID, HOUR_MS, TOKEN_ADDRESS, WEEKS, Scene, address, scene, terms

pytestmark = pytest.mark.django_db
LONG_MS = 60 * HOUR_MS


def text_of(answer) -> str:
    body = answer.content.decode()
    main = body[body.index("<main") : body.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#x27;", "'")


def measured(stage: Scene, **weekends: tuple[float, float, int]) -> None:
    """Say of each epoch's weekend in AAPL-PERP: spread in bps, depth in lots, and how long it had a reference."""
    for name, (spread_bps, depth, lit_ms) in weekends.items():
        epoch = getattr(stage, name)
        rows = [
            {"market": "AAPL-PERP", "kind": kind, "live_ms": LONG_MS, "lit_ms": lit_ms, "dark_ms": LONG_MS - lit_ms,
             "nobody_ms": 0, "spread_bps": spread if lit_ms else None,
             "depth_lots": [1.0, 2.0, 3.0, depth] if lit_ms else [None] * 4, "pay_raw": "0"}
            for kind, spread in ((None, 1.0), ("weekend", spread_bps), ("regular", 5.0))
        ]  # fmt: skip
        EpochStatistics.objects.update_or_create(
            epoch=epoch, manifest_hash=epoch.manifest_hash, defaults={"root": epoch.root, "document": {"bought": rows}}
        )


@pytest.fixture
def stage() -> Scene:
    return scene()


def page(stage: Scene, **query: str) -> str:
    return text_of(Client().get(reverse("programme", args=[stage.program.slug]), query))


def test_the_page_says_how_weekends_changed_and_what_the_comparison_leaves_out(stage):
    measured(stage, paying=(41.2, 180.0, LONG_MS // 2), waiting=(23.04, 2500.4, LONG_MS))
    said = page(stage, market="AAPL-PERP")
    assert (
        "Weekend spreads in AAPL-PERP went from 41.2 bps in epoch 1 to 23.0 bps in epoch 2, and makers’ depth within "
        "1% of the middle from 180 to 2,500 lots."
    ) in said
    assert "These are 2 epochs: a comparison, not a trend." in said
    assert "50% of the weekend in epoch 1, 100% in epoch 2" in said


@pytest.mark.parametrize(
    ("weekends", "sentence"),
    [
        ({}, "No weekend of AAPL-PERP has been measured yet."),
        (
            {"paying": (0, 0, 0)},
            "On no weekend so far did the book of AAPL-PERP have both sides for as long as an hour.",
        ),
        # Half an hour says nothing, so one weekend remains.
        (
            {"paying": (99.0, 1.0, HOUR_MS // 2), "waiting": (23.0, 250.0, LONG_MS)},
            "In epoch 2 the weekend spread in AAPL-PERP was 23.0 bps; there is no other epoch to compare it with yet.",
        ),
    ],
)
def test_with_little_data_the_page_says_so_and_compares_nothing(stage, weekends, sentence):
    EpochStatistics.objects.all().delete()
    measured(stage, **weekends)
    said = page(stage)
    assert sentence in said
    assert "went from" not in said


def test_an_epoch_that_is_not_worked_out_is_named_and_one_that_was_replaced_does_not_count(stage):
    measured(stage, paying=(41.0, 180.0, LONG_MS), waiting=(23.0, 250.0, LONG_MS))
    # Scored again since: what is stored belongs to another evidence.
    EpochStatistics.objects.filter(epoch=stage.waiting).update(manifest_hash="0x" + "00" * 32)
    said = page(stage)
    assert "Epoch 2: not worked out yet." in said
    assert "23.0 bps" not in said


def test_the_file_has_every_market_and_epoch_with_the_same_figures(stage):
    measured(stage, paying=(41.2, 180.0, LONG_MS // 2))
    answer = Client().get(reverse("programme-history", args=[stage.program.slug]))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert {(row["epoch"], row["market"]) for row in rows} >= {("1", "AAPL-PERP"), ("2", "TSLA-PERP")}
    weekend = next(row for row in rows if (row["epoch"], row["kind"]) == ("1", "weekend"))
    assert (weekend["book_spread_bps"], weekend["depth_100_bps_lots"]) == ("41.2", "180.0")
    assert (int(weekend["lit_ms"]), int(weekend["start_ms"])) == (LONG_MS // 2, WEEKS[0])


def test_a_market_that_is_not_in_the_programme_shows_another_and_no_epoch_shows_nothing(stage):
    measured(stage, paying=(41.0, 180.0, LONG_MS))
    assert "AAPL-PERP, epoch by epoch" in page(stage, market="<script>")
    bare = program_create(
        slug="bare", name="Bare", chain_id=CHAIN_ID, distributor=address(0xD2), token=TOKEN_ADDRESS,
        token_symbol="LAMP", start_block=1,
    )  # fmt: skip
    assert "Did the money help?" not in text_of(Client().get(reverse("programme", args=[bare.slug])))
    epoch_schedule(program=bare, terms=json.dumps({**terms(1, WEEKS[1], WEEKS[2]), "program": "bare"}).encode())
    said = text_of(Client().get(reverse("programme", args=[bare.slug])))
    assert "No weekend of AAPL-PERP has been measured yet." in said


def test_the_page_asks_the_database_as_often_for_many_epochs_as_for_few(stage):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert Client().get(reverse("programme", args=[stage.program.slug])).status_code == 200
        return len(asked)

    EpochStatistics.objects.all().delete()
    before = queries()
    measured(stage, paying=(41.0, 180.0, LONG_MS), waiting=(23.0, 250.0, LONG_MS))
    assert queries() == before


def test_a_line_breaks_where_a_weekend_has_no_value():
    figure = lines_figure(epochs=[1, 2, 3, 4], weekend=[10, 5, None, 20], regular=[None] * 4, unit="bps")
    assert figure.weekend == ("0.0,75.0 106.7,112.5",)
    assert [(dot.x, dot.y) for dot in figure.dots] == [("0.0", "75.0"), ("106.7", "112.5"), ("320.0", "0.0")]
    assert figure.regular == ()


def test_the_sentence_compares_first_and_last_whatever_lies_between():
    rows = [
        SessionsOfEpoch(
            number=number, start_ms=0, end_ms=1, market="X", kind="weekend", live_ms=LONG_MS, lit_ms=LONG_MS,
            spread_bps=spread, depth_25_lots=1.0, depth_100_lots=2.0,
        )
        for number, spread in ((9, 41.0), (10, 70.0), (14, 0.5))
    ]  # fmt: skip
    assert "from 41.0 bps in epoch 9 to 0.50 bps in epoch 14" in weekend_sentence(market="X", weekends=rows)


def test_markets_that_differ_in_nothing_are_said_once_with_all_their_names(stage):
    said = page(stage)
    assert "AAPL-PERP and 3 more alike: 25% of the budget each, 62,500" in said
    assert "AAPL-PERP, MSFT-PERP, NVDA-PERP, TSLA-PERP" in said
    assert said.count("Smallest order that counts") == 1
