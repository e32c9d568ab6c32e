"""A market that really stands still: what operators read of it, and how it is derived again from its raw logs."""

import json
import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from audit.models import AuditEntry
from config import failpoints
from onchain import derive
from onchain.indexer import follow, node
from onchain.models import AdapterState, Market, MarketEvent
from onchain.services import market_register
from rewards.errors import RederivationRefusedError
from rewards.models import Rederivation
from rewards.services.quarantine import rederivation_ask, rederivations_do
from rewards.tasks import derive_markets_again
from tests.pages.factories import PASSWORD, WEEKS, make_live_epoch, make_program
from tests.pages.windows import sign_in, window

SECOND = 1_790_100_000
MAKER = "0x" + "a" * 40


def index() -> None:
    client = node()
    try:
        follow(client)
    finally:
        client.close()


def person(name: str, role: str = "operator") -> User:
    return User.objects.get_or_create(username=name, defaults={"role": role})[0]


def signed_in(name: str, role: str = "operator") -> Client:
    client = Client()
    client.force_login(person(name, role))
    return client


def text_of(answer) -> str:
    body = answer.content.decode()
    main = body[body.index("<main") : body.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#x27;", "'")


@pytest.fixture
def market(exchange) -> Market:
    """Quarantined by the indexer: its state is damaged, so that a real log contradicts it."""
    found = market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="0.1", base_symbol="AAPL",
    )  # fmt: skip
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND)
    index()
    AdapterState.objects.filter(market=found).update(state=derive.adapter_of(found).save())
    exchange.cancel(1, 5)
    exchange.submit(time_s=SECOND + 5)
    exchange.place(2, owner=MAKER, side="bid", price=9_980, size=7)
    exchange.submit(time_s=SECOND + 6)
    index()
    found.refresh_from_db()
    assert found.quarantined_block is not None
    return found


def ask(market: Market, *, by: User | None = None, reason: str = "The state was damaged.") -> Rederivation:
    return rederivation_ask(by=by or person("olga"), market_id=market.pk, reason=reason, now=timezone.now())


@pytest.mark.django_db
def test_the_page_says_what_contradicts_what_and_who_waits(market):
    make_live_epoch(make_program(), 1, WEEKS[0], WEEKS[1])
    said = text_of(signed_in("vera", "auditor").get(reverse("quarantine")))
    block = market.quarantined_block
    assert "1 market stands still" in said
    assert f"Block {block}, log 0: order 1 is cancelled and does not rest." in said
    assert f"block {block:,}; 2 blocks since are stored and wait" in said
    assert "Epoch 1 of US equity perpetuals is over and can’t be scored: makers wait for their pay." in said
    assert "number 0 of the block, transaction 0x" in said
    # Looks on, and has no button.
    assert "An operator can have it derived again." in said
    assert f"--from {block} --to {block} " in text_of(signed_in("olga").get(reverse("quarantine")))


@pytest.mark.django_db(transaction=True)
def test_an_operator_has_it_derived_again_and_the_audit_log_keeps_who_and_why(market):
    client, address = signed_in("olga"), reverse("market-derive-again", args=[market.pk])
    client.post(address, {"reason": "The state was damaged by a full disk."})
    asked = Rederivation.objects.get()
    assert (asked.asked_by.username, asked.done_at, asked.block_number) == ("olga", None, market.quarantined_block)
    assert "olga has asked for it to be derived again" in text_of(client.get(reverse("quarantine")))
    derive_markets_again()
    index()
    market.refresh_from_db()
    assert (market.quarantined_block, market.quarantine_reason) == (None, "")
    kinds = [event.get_kind_display() for event in MarketEvent.objects.order_by("block_number", "log_index")]
    assert kinds == ["place", "cancel", "place"]
    said = text_of(client.get(reverse("quarantine")))
    assert "No market stands still" in said
    assert "Why: The state was damaged by a full disk." in said
    # The log keeps what other tests did, too.
    entry = AuditEntry.objects.filter(
        table_name="rewards_rederivation", subject=str(asked.pk), action=AuditEntry.Action.INSERT
    ).latest("sequence")
    assert json.loads(entry.context)["username"] == "olga"
    assert json.loads(entry.after)["reason"] == "The state was damaged by a full disk."
    released = AuditEntry.objects.filter(table_name="onchain_market").order_by("-sequence").first()
    assert "does not rest" in released.before
    assert json.loads(released.after)["quarantined_block"] is None


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_in_a_browser_an_operator_finds_it_from_the_status_page_and_sees_it_follow_again(market, live_server):
    User.objects.create_user(username="olga", password=PASSWORD, role="operator")
    with window(live_server.url) as page:
        sign_in(page, "olga")
        page.goto("/status/")
        expect(page.locator(".note.bad").get_by_text("AAPL-PERP").first).to_be_visible()
        page.get_by_role("link", name="Markets that stand still").click()
        expect(page.get_by_role("heading", name="1 market stands still")).to_be_visible()
        page.get_by_role("button", name="Derive AAPL-PERP again from the raw logs").click()
        # The browser itself asks for the reason: nothing was sent.
        assert page.url.endswith("/status/quarantine/")
        page.get_by_label("Why?").fill("A disk was full.")
        page.get_by_role("button", name="Derive AAPL-PERP again from the raw logs").click()
        expect(page.get_by_text("olga has asked for it to be derived again")).to_be_visible()
    derive_markets_again()
    index()
    with window(live_server.url) as page:
        sign_in(page, "olga")
        page.goto("/status/quarantine/")
        expect(page.get_by_role("heading", name="No market stands still")).to_be_visible()
        expect(page.get_by_text("Why: A disk was full.")).to_be_visible()
        page.goto("/status/")
        expect(page.get_by_role("row", name="AAPL-PERP")).to_contain_text("Follows")


@pytest.mark.django_db
def test_a_worker_that_dies_in_the_middle_leaves_the_market_as_it_was(market, monkeypatch):
    ask(market)

    def dies(place: str) -> None:
        raise KeyboardInterrupt(place)

    monkeypatch.setattr(failpoints, "hit", dies)
    before = MarketEvent.objects.count()
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        rederivations_do(now=timezone.now())
    assert (MarketEvent.objects.count(), Rederivation.objects.get().done_at) == (before, None)
    assert Market.objects.get().quarantined_block == market.quarantined_block
    monkeypatch.undo()
    assert rederivations_do(now=timezone.now()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("reason", "says"), [("", "say why"), ("  ", "say why")])
def test_without_a_reason_nothing_happens(market, reason, says):
    with pytest.raises(RederivationRefusedError, match=says):
        ask(market, reason=reason)
    assert Rederivation.objects.count() == 0


@pytest.mark.django_db
def test_it_is_asked_for_once_and_only_while_it_stands_still(market):
    ask(market)
    with pytest.raises(RederivationRefusedError, match="somebody has asked for that already"):
        ask(market, by=person("oleg"))
    assert rederivations_do(now=timezone.now()) == 1
    assert rederivations_do(now=timezone.now()) == 0
    index()
    with pytest.raises(RederivationRefusedError, match="it is not quarantined"):
        ask(market)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["treasurer", "reviewer", "guardian", "auditor", "provider", "maker"])
def test_nobody_else_has_a_market_derived_again(market, role):
    answer = signed_in("somebody", role).post(reverse("market-derive-again", args=[market.pk]), {"reason": "x"})
    assert answer.status_code == 403
    assert Rederivation.objects.count() == 0
