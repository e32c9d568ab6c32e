"""The review's page: what it shows of an epoch, and to whom it offers what."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from rewards.models import EpochComment, EpochVerdict, Flag, FlagVerdict
from rewards.services.review import epoch_lift, epoch_send_back
from tests.pages.factories import PROFILES, TOKEN, Scene, scene
from tests.reviewing import ann, put_forward, somebody

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(settings) -> Scene:
    settings.LOCAL_TREASURY_SIGNER = True
    return scene()


def page(who: User, stage: Scene, number: int = 2) -> str:
    client = Client()
    client.force_login(who)
    return client.get(reverse("treasury-epoch", args=[stage.program.slug, number])).content.decode()


def post(who: User, stage: Scene, name: str, number: int = 2, **fields: object) -> str:
    client = Client()
    client.force_login(who)
    answer = client.post(reverse(name, args=[stage.program.slug, number]), fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def make_flag(stage: Scene, *, level: str = "serious", **changes: object) -> Flag:
    epoch = stage.waiting
    fields = {"manifest_hash": epoch.manifest_hash, "code": "trade_together", "key": f"M|{level}"} | changes
    return Flag.objects.create(
        epoch=epoch, root=epoch.root, level=level, subjects=["aurora", "meridian"], figures={"fills": 80},
        sentence="80% of Aurora’s fills were with Meridian.", evidence=[{"block": 7, "lots": 10}], **fields,
    )  # fmt: skip


def taken_back(stage: Scene) -> None:
    """Nobody has put the waiting epoch forward any more."""
    epoch = stage.waiting
    epoch_send_back(by=ann(), epoch=epoch, root=epoch.root, reason="Look at the fills.")
    epoch_lift(by=somebody("treasurer", "theo"), epoch=epoch, root=epoch.root, reason="Looked.")


def test_the_page_shows_why_money_was_left_how_it_is_spread_and_what_it_bought(stage):
    text = page(somebody("auditor"), stage)
    for shown in (
        "Why it was not earned", "Thin books", "Nobody quoted", "Exact to the unit",
        "The five largest of 14 accounts get", "Gini 0.", "What the money bought", "Against the last epochs",
        "was 9.0", "10.0", "200", "4,000", "Nobody quoted", "Put forward by Ann",
    ):  # fmt: skip
        assert shown in text, shown
    # A lot-hour: 100 tokens for 4,000 lots over an hour.
    assert f'value="{TOKEN // 40}"' in text


def test_only_who_may_decide_is_offered_to(stage):
    make_flag(stage)
    offers = {
        "auditor": set(), "guardian": {"comment"}, "operator": {"comment"},
        "reviewer": {"comment", "back", "flag"}, "treasurer": {"comment", "back", "flag", "approve"},
    }  # fmt: skip
    for role, expected in offers.items():
        text = page(somebody(role), stage)
        found = {name for name in ("comment", "back", "flag", "approve", "forward", "lift") if f"/2/{name}/" in text}
        assert found == expected, role


def test_until_it_is_put_forward_nobody_is_offered_the_approval(stage, settings):
    taken_back(stage)
    for signer in (True, False):
        settings.LOCAL_TREASURY_SIGNER = signer
        text = page(somebody("treasurer"), stage)
        assert "Nobody has put it forward yet" in text
        assert "/2/forward/" in text
        assert "/2/approve/" not in text
        assert "data-wallet-send" not in text
        assert "approve(uint256,bytes32)" not in text


def test_a_treasurer_who_puts_forward_is_not_offered_the_approval_and_another_is(stage, settings):
    taken_back(stage)
    text = post(somebody("treasurer"), stage, "treasury-put-forward", root=stage.waiting.root)
    assert "Put forward. A treasurer other than you can approve it now." in text
    for signer, offer in ((True, "/2/approve/"), (False, "data-wallet-send")):
        settings.LOCAL_TREASURY_SIGNER = signer
        assert "That is you, so somebody else approves it" in page(somebody("treasurer"), stage)
        assert offer not in page(somebody("treasurer"), stage)
        assert offer in page(somebody("treasurer", "tess"), stage)
    settings.LOCAL_TREASURY_SIGNER = True
    text = post(somebody("treasurer"), stage, "treasury-approve", digest=stage.waiting.digest)
    assert "you have put it forward yourself" in text
    assert not EpochVerdict.objects.filter(kind="approve").exists()


def test_an_open_serious_flag_holds_the_epoch_up_until_a_person_has_judged_it(stage):
    taken_back(stage)
    flag = make_flag(stage)
    text = page(ann(), stage)
    assert "one serious flag waits for a person’s word" in text
    assert "/2/forward/" not in text
    assert "serious flag" in post(ann(), stage, "treasury-put-forward", root=stage.waiting.root)
    assert "Your word on the flag is kept" in post(
        ann(), stage, "treasury-flag", flag=flag.pk, verdict="watch", why="They share a broker, and say so."
    )
    assert "They share a broker, and say so." in page(somebody("auditor"), stage)
    assert "Put forward." in post(ann(), stage, "treasury-put-forward", root=stage.waiting.root)


@pytest.mark.parametrize("chosen", ["", "x", "9" * 40, "0"])
def test_a_flag_that_is_not_there_is_not_judged(stage, chosen):
    assert "Nothing was decided" in post(ann(), stage, "treasury-flag", flag=chosen, verdict="harmless", why="x")
    assert FlagVerdict.objects.count() == 0


def test_a_flag_is_judged_on_its_own_epochs_page_alone(stage):
    flag = make_flag(stage)
    assert "Nothing was decided" in post(ann(), stage, "treasury-flag", 1, flag=flag.pk, verdict="harmless", why="x")
    assert FlagVerdict.objects.count() == 0


def test_sent_back_the_page_says_by_whom_and_why_and_the_inbox_does_not_call_for_a_decision(stage):
    text = post(
        somebody("treasurer"), stage, "treasury-send-back", root=stage.waiting.root, reason="A halt is missing."
    )
    assert "Sent back by the treasurer" in text
    assert "A halt is missing." in text
    assert "/2/approve/" not in page(somebody("treasurer", "tess"), stage)
    client = Client()
    client.force_login(ann())
    inbox = client.get(reverse("treasury")).content.decode()
    # Another person's word can lift it, so it is hers to look at, and nobody's to approve.
    assert "was sent back" in inbox
    assert "the treasurer: A halt is missing." in inbox
    assert "of 2 approvals" not in inbox
    assert "/2/lift/" not in page(somebody("treasurer"), stage)
    assert "Lifted." in post(ann(), stage, "treasury-lift", root=stage.waiting.root, reason="It was no halt.")


@pytest.mark.parametrize("name", ["treasury-put-forward", "treasury-send-back", "treasury-lift"])
def test_a_decision_about_a_page_that_is_out_of_date_is_none(stage, name):
    before = EpochVerdict.objects.count()
    text = post(ann(), stage, name, root="0x" + "9" * 64, reason="x")
    assert "changed after you opened the page" in text
    assert EpochVerdict.objects.count() == before


def test_what_people_write_is_text_and_nothing_else(stage):
    post(somebody("guardian"), stage, "treasury-comment", text="<script>alert(1)</script> Fine.")
    text = page(ann(), stage)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Fine." in text
    assert EpochComment.objects.get().person.username == "the guardian"


def test_the_inbox_says_who_put_it_forward_and_how_much_was_spent(stage):
    client = Client()
    client.force_login(ann())
    text = client.get(reverse("treasury")).content.decode()
    assert "Nothing needs you" in text
    assert "Put forward by Ann; it waits for a treasurer’s approval" in text
    assert "2 epochs scored" in client.get(reverse("treasury-spend")).content.decode()


def test_an_approval_that_nobody_put_forward_stands_on_the_page_for_good(stage):
    assert "Approved on the chain without having been put forward here" in page(ann(), stage, 1)
    assert "Approved on the chain without" not in page(ann(), stage, 2)


def queries(stage: Scene) -> list[int]:
    who, counts = somebody("auditor"), []
    client = Client()
    client.force_login(who)
    for name, args in (("treasury-epoch", [stage.program.slug, 2]), ("treasury", [])):
        client.get(reverse(name, args=args))
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse(name, args=args))
        counts.append(len(caught))
    return counts


def test_the_pages_ask_the_database_as_often_for_two_makers_as_for_forty():
    few = dict(list(PROFILES.items())[:2])
    many = {f"{slug}-{number}": row for number in range(6) for slug, row in PROFILES.items()}
    found = []
    for profiles in (few, many):
        with transaction.atomic():
            stage = scene(profiles=profiles)
            for number in range(len(profiles) // 2):
                flag = make_flag(stage, key=f"M|{number}")
                FlagVerdict.objects.create(flag=flag, person=ann(), verdict="watch", why="Seen.")
                EpochComment.objects.create(epoch=stage.waiting, root=stage.waiting.root, person=ann(), text="Seen.")
            found.append(queries(stage))
            transaction.set_rollback(True)
    assert found[0] == found[1]
    assert found[0][0] <= 40


def test_putting_forward_a_second_time_changes_nothing(stage):
    before = EpochVerdict.objects.count()
    assert put_forward(stage.waiting) is None
    assert "put it forward already" in post(ann(), stage, "treasury-put-forward", root=stage.waiting.root)
    assert EpochVerdict.objects.count() == before
