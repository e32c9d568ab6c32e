"""Warnings to a maker's people: nobody is removed, made an admin or paid elsewhere without the others hearing of it."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.maker_signals import people_changed
from accounts.members import member_add, member_admin_set, member_remove
from accounts.models import Maker, User
from config.embedded.layout import free_port
from rewards.models import Delivery, MailChoice, Notice, WebhookEndpoint
from rewards.selectors.notices import WARNINGS, kinds_for, notices_of
from rewards.services.notices.delivering import WAITS, deliveries_do
from rewards.services.notices.warning import pay_warn

pytestmark = pytest.mark.django_db


def person(name: str, **fields: object) -> User:
    return User.objects.create_user(username=name, email=f"{name}@desk.example", **fields)


@pytest.fixture
def aurora() -> Maker:
    """A maker with two admins, Ada and Ben, and Cleo, who is none."""
    maker = Maker.objects.create(slug="aurora", name="Aurora")
    for name in ("ada", "ben", "cleo"):
        each = person(name, role=User.Role.MAKER)
        maker.members.add(each)
        if name != "cleo":
            maker.admins.add(each)
    person("stranger")
    return maker


def called(name: str) -> User:
    return User.objects.get(username=name)


def mailed() -> dict[str, mail.EmailMessage]:
    """Let a worker deliver what is due, and return what came by whom it is to, forgetting it."""
    while deliveries_do(now=timezone.now()):
        pass
    came = {message.to[0].partition("@")[0]: message for message in mail.outbox}
    assert len(came) == len(mail.outbox)
    mail.outbox.clear()
    return came


def test_who_is_removed_and_everybody_who_stays_is_mailed_also_who_did_it(aurora):
    member_remove(by=called("ada"), maker=aurora, person=called("ben"))
    came = mailed()
    assert set(came) == {"ada", "ben", "cleo"}
    assert came["ben"].subject == "Who belongs to Aurora has changed"
    assert "ben is no member of Aurora any more. ada did it." in came["ben"].body
    assert "/makers/aurora/members/" in came["ben"].body
    # Who stays finds it among the notices, too.
    assert [notice.kind for notice in notices_of(person=called("cleo"))] == ["people.changed"]


def test_a_stolen_session_can_not_remove_the_others_first_and_change_the_pay_unseen(aurora):
    ada = Client()
    ada.force_login(called("ada"))
    for name in ("cleo", "ben"):
        ada.post("/makers/aurora/members/", {"action": "remove", "person": name})
    assert list(aurora.members.all()) == [called("ada")]
    # Nothing is sent while a page is asked for: a mail server that hangs holds nobody up.
    assert mail.outbox == []
    told = Delivery.objects.filter(notice__kind="people.changed").values_list("person__username", flat=True)
    assert sorted(told) == ["ada", "ada", "ben", "ben", "cleo"]
    while deliveries_do(now=timezone.now()):
        pass
    assert sorted(message.to[0].partition("@")[0] for message in mail.outbox) == sorted(told)


def test_an_admin_who_comes_or_goes_is_told_to_every_member(aurora):
    for is_admin, says in ((True, "cleo is an admin of Aurora now."), (False, "cleo is no admin of Aurora any more.")):
        member_admin_set(by=called("ada"), maker=aurora, person=called("cleo"), is_admin=is_admin)
        came = mailed()
        assert set(came) == {"ada", "ben", "cleo"}
        assert all(says in message.body for message in came.values())
        # Asked for what is so already, nothing changes and nobody is told.
        member_admin_set(by=called("ada"), maker=aurora, person=called("cleo"), is_admin=is_admin)
        assert mailed() == {}
    newcomer = person("dora")
    member_add(by=called("ada"), maker=aurora, person=newcomer, is_admin=True)
    assert set(mailed()) == {"ada", "ben", "cleo", "dora"}


def test_an_operators_address_is_not_told_to_the_makers_people(aurora):
    olga = person("olga", role=User.Role.OPERATOR)
    User.objects.filter(pk=olga.pk).update(username="olga@lamplight.example")
    member_remove(by=User.objects.get(pk=olga.pk), maker=aurora, person=called("ben"))
    body = mailed()["cleo"].body
    assert f"number {olga.pk} (operator) did it." in body
    assert "olga@" not in body


def test_nobody_can_switch_a_warning_off_and_no_webhook_gets_it(aurora):
    WebhookEndpoint.objects.create(maker=aurora, url="https://desk.example/hook", secret=b"")
    for kind in WARNINGS:
        assert kind not in kinds_for(person=called("ben"))
        MailChoice.objects.create(person=called("ben"), kind=kind, wanted=False)
    pay_warn(maker=aurora, by=called("ada"), what="Pay goes to a place.", reason="New books.")
    came = mailed()
    assert set(came) == {"ada", "ben", "cleo"}
    assert came["ben"].subject == "The pay of Aurora goes elsewhere"
    for words in ("ada has changed where the pay of Aurora goes", "Pay goes to a place.", "Reason: New books."):
        assert words in came["ben"].body
    assert "List-Unsubscribe" not in came["ben"].extra_headers
    assert "/stop/" not in came["ben"].body
    assert not Delivery.objects.exclude(endpoint=None).exists()


def test_the_change_and_its_warning_stand_or_fall_together(aurora):
    def fails(**_: object) -> None:
        raise RuntimeError("It can't be written.")

    people_changed.connect(fails)
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            member_remove(by=called("ada"), maker=aurora, person=called("ben"))
    finally:
        people_changed.disconnect(fails)
    assert aurora.members.contains(called("ben"))
    assert aurora.admins.contains(called("ben"))
    assert Notice.objects.count() == Delivery.objects.count() == 0


def test_a_warning_that_finds_no_mail_server_is_sent_when_there_is_one(aurora, settings):
    member_remove(by=called("ada"), maker=aurora, person=called("cleo"))
    here, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", free_port(), 5
    now = timezone.now()
    assert deliveries_do(now=now) == 3
    assert set(Delivery.objects.values_list("state", "attempts")) == {("waiting", 1)}
    settings.EMAIL_BACKEND = here
    assert deliveries_do(now=now + WAITS[0] + timedelta(seconds=1)) == 3
    assert {message.to[0] for message in mail.outbox} == {f"{name}@desk.example" for name in ("ada", "ben", "cleo")}
