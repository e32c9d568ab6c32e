"""The pages of splits, halts and closures: looked at, entered, confirmed by another person, shown to everybody."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from onchain.models import Market
from rewards.models import MarketAction
from rewards.services.actions import ActionDraft, action_confirm, action_enter
from tests.pages.factories import Scene, scene

pytestmark = pytest.mark.django_db
SPLIT = {
    "kind": "split", "split-market": "AAPL-PERP", "split-at": "2027-06-07T14:00", "split-new": "4", "split-old": "1",
    "split-reason": "4 for 1, decided in May", "split-source": "https://example.com/split",
}  # fmt: skip
# Half an hour of the scene's live Wednesday: 10:00 to 10:30 in New York is 15:00 UTC.
HALT = {
    "kind": "halt", "halt-market": "AAPL-PERP", "halt-begins": "2025-11-26T10:00", "halt-ends": "2025-11-26T10:30",
    "halt-reason": "the oracle stood still",
}  # fmt: skip
CLOSURE = {
    "kind": "closure", "closure-first": "2025-11-25", "closure-last": "2025-11-25", "closure-reason": "a storm",
}  # fmt: skip


@pytest.fixture
def stage() -> Scene:
    return scene()


def person(name: str, role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(username=name, role=role))
    return client


def text_of(answer) -> str:
    body = answer.content.decode()
    main = body[body.index("<main") : body.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#x27;", "'")


def page(stage: Scene) -> str:
    return reverse("market-actions", args=[stage.program.slug])


def decide(client: Client, stage: Scene, action: MarketAction, **said: str) -> str:
    address = reverse("market-action-decide", args=[stage.program.slug, action.pk])
    return text_of(client.post(address, said, follow=True))


def test_an_operator_looks_first_and_enters_then_and_a_treasurer_confirms(stage):
    operator, treasurer = person("opal", "operator"), person("tess", "treasurer")
    seen = text_of(operator.post(page(stage), SPLIT | {"do": "preview"}))
    assert (
        "On 7 June 2027, 14:00 New York time, AAPL-PERP: 4 new for 1 old. Orders in the book go on as 4 times the lots "
        "at a quarter of the price." in seen
    )
    assert MarketAction.objects.count() == 0
    entered = text_of(operator.post(page(stage), SPLIT | {"do": "enter"}, follow=True))
    assert "Another operator or treasurer has to confirm it." in entered
    action = MarketAction.objects.get()
    assert (action.from_ms, action.new_shares, action.old_shares) == (1_812_391_200_000, 4, 1)
    assert "you entered it yourself" in decide(operator, stage, action, do="confirm")
    assert "Confirmed." in decide(treasurer, stage, action, do="confirm")
    listed = text_of(treasurer.get(page(stage)))
    assert "4 for 1, decided in May" in listed
    assert "Entered by opal (operator)" in listed
    assert "confirmed by tess (treasurer)" in listed
    assert "say why it is withdrawn" in decide(operator, stage, action, do="withdraw", why="")
    assert "Withdrawn by opal" in decide(operator, stage, action, do="withdraw", why="it was NVDA")


def test_everybody_reads_on_the_epochs_page_what_happened_and_who_says_so(stage):
    operator, treasurer = person("opal", "operator"), person("tess", "treasurer")
    for form in (HALT, CLOSURE):
        operator.post(page(stage), form | {"do": "enter"})
    for action in MarketAction.objects.all():
        assert "What happened to the markets" not in text_of(Client().get(f"/programmes/{stage.program.slug}/"))
        decide(treasurer, stage, action, do="confirm")
        break
    action = MarketAction.objects.filter(confirmed_at=None).get()
    decide(treasurer, stage, action, do="confirm")
    for address in (
        reverse("programme", args=[stage.program.slug]), reverse("epoch", args=[stage.program.slug, 3]),
    ):  # fmt: skip
        seen = text_of(Client().get(address))
        assert "AAPL-PERP stands still from 26 November 2025, 10:00 to 10:30 New York time." in seen
        assert "the oracle stood still" in seen
        assert "Entered by opal (operator), confirmed by tess (treasurer)." in seen
        assert "The exchange is closed on 25 November 2025." in seen
    assert "What happened to the markets" not in text_of(Client().get(reverse("epoch", args=[stage.program.slug, 1])))


def test_what_comes_too_late_for_a_scored_epoch_is_said_before_it_is_entered_and_on_its_page(stage):
    operator, treasurer = person("opal", "operator"), person("tess", "treasurer")
    late = HALT | {"halt-begins": "2025-11-12T10:00", "halt-ends": "2025-11-12T10:30"}
    stage.program.epochs.filter(number=1).update(scored_at="2025-11-18T00:00:00Z")
    seen = text_of(operator.post(page(stage), late | {"do": "preview"}))
    assert "Epoch 1 is scored already and does not change by this" in seen
    operator.post(page(stage), late | {"do": "enter"})
    decide(treasurer, stage, MarketAction.objects.get(), do="confirm")
    seen = text_of(Client().get(reverse("epoch", args=[stage.program.slug, 1])))
    assert "Confirmed after this epoch was scored: its result does not have it." in seen


@pytest.mark.parametrize(
    ("form", "change", "says"),
    [
        (SPLIT, {"split-new": "8", "split-old": "2"}, "8 for 2 is 4 for 1; write it like that"),
        (SPLIT, {"split-new": "0"}, "greater than or equal to 1"),
        (SPLIT, {"split-market": "NOTHING"}, "Select a valid choice"),
        (HALT, {"halt-ends": "2025-11-26T09:00"}, "a halt has to end after it begins"),
        (HALT, {"halt-reason": ""}, "This field is required"),
        (CLOSURE, {"closure-last": "2025-11-20"}, "a closure ends on the day on which it begins, or later"),
        (HALT, {"kind": "pause"}, "choose a split, a halt or a closure"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form_and_nothing_is_entered(stage, form, change, says):
    seen = text_of(person("opal", "operator").post(page(stage), form | change | {"do": "enter"}, follow=True))
    assert says in seen
    assert MarketAction.objects.count() == 0


@pytest.mark.parametrize("role", ["reviewer", "guardian", "auditor"])
def test_who_only_watches_sees_the_list_and_no_forms(stage, role):
    person("opal", "operator").post(page(stage), SPLIT | {"do": "enter"})
    watcher = person("watcher", role)
    seen = watcher.get(page(stage)).content.decode()
    assert "4 new for 1 old" in seen
    assert "<form" not in seen[seen.index("<main") : seen.index("</main>")]
    assert watcher.post(page(stage), SPLIT | {"do": "enter"}).status_code == 403


def test_an_entry_of_another_programmes_market_is_not_decided_here(stage):
    Market.objects.filter(name="AAPL-PERP").update(name="ELSEWHERE-PERP")
    operator, treasurer = User.objects.create_user(username="opal", role="operator"), person("tess", "treasurer")
    draft = ActionDraft(kind="halt", subject="ELSEWHERE-PERP", from_ms=1, to_ms=2, reason="a halt")
    action = action_enter(by=operator, draft=draft)
    assert "this programme has no such entry" in decide(treasurer, stage, action, do="confirm")
    assert not MarketAction.objects.get().counts
    action_confirm(by=User.objects.get(username="tess"), action_id=action.pk)
