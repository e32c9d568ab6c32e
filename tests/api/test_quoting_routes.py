"""By five minutes and order by order, the API says what the second implementation of the scoring saw."""

import pytest

from accounts.models import Maker
from rewards.api.maker_rows import QuoteRow
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from tests.api.asking import by_key
from tests.engine.reference_inputs import read_bundle
from tests.rewards.test_looking import LookingReference
from tests.rewards.test_stretches import random_epoch
from tests.rows import settle_all

pytestmark = pytest.mark.django_db


def test_orders_and_quotes_are_as_the_second_implementation_saw_them(tmp_path):
    epoch, _ = random_epoch(tmp_path, 1)
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    bundle, caller = read_bundle(tmp_path / "bundle"), by_key("auditor", "read:all")
    market, moment = sorted(bundle.terms["markets"])[0], (epoch.start_ms + epoch.end_ms) // 2
    reference = LookingReference(bundle, market, [moment])
    reference.run()
    seen = 0
    for maker, theirs in reference.seen[moment]["makers"].items():
        Maker.objects.get_or_create(slug=maker, defaults={"name": maker})
        base = f"makers/{maker}/programmes/{epoch.program.slug}/epochs/{epoch.number}/markets/{market}"
        found = caller.get(f"{base}/orders?at_ms={moment}").json()
        assert {row["id"]: (row["lots"], row["rested_ms"], row["fate"]) for row in found["orders"]} == {
            each: (lots, rested_ms, fate) for each, (_, lots, rested_ms, fate) in theirs["own"].items()
        }
        assert all(row["why"].endswith(".") for row in found["orders"])
        assert found["is_present"] == theirs["present"]
        seen += len(found["orders"])
        rows = caller.get(f"{base}/quotes?limit=3000").json()["items"]
        whole = caller.get(f"{base}/quotes?by=epoch").json()["items"]
        assert [sum(int(row["credit"]) for row in rows)] == [int(row["credit"]) for row in whole] or not rows
        assert all(set(row) == set(QuoteRow().fields) for row in rows)
        stretches = caller.get(f"{base}/reasons?limit=1000").json()["items"]
        assert all(row["start_ms"] < row["end_ms"] for row in stretches)
    assert seen
