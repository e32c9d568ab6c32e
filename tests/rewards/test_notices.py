"""Notices: what happened is found once, told to those it is for, and told again until it has arrived."""

import datetime as dt
import json
import socket
import threading

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.db.models import F
from django.test import Client
from django.urls import reverse
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import Maker, User, Wallet
from config.embedded.chain import free_port
from onchain.models import Cursor, Market
from onchain.models_tx import ChainDistributor
from rewards.errors import PostFailedError, SecretUnreadableError, WebhookConflictError, WebhookUrlError
from rewards.models import Delivery, EpochCheck, MailChoice, Notice, Program, WebhookEndpoint
from rewards.selectors.checks import CHECK_LABELS
from rewards.services.notices import posting
from rewards.services.notices.delivering import WAITS, deliveries_do
from rewards.services.notices.endpoints import webhook_add, webhook_change_secret, webhook_switch
from rewards.services.notices.recording import notices_record
from rewards.services.notices.words import words_of
from tests.pages.factories import CLOCK, HOUR_MS, address, make_claim, scene
from tests.rewards.receiver import receiver

pytestmark = pytest.mark.django_db
NOW = dt.datetime.fromtimestamp(CLOCK / 1000, dt.UTC)


@pytest.fixture
def stage():
    made = scene()
    made.program.epochs.filter(scored_at__isnull=False).update(scored_at=NOW - dt.timedelta(hours=1))
    for number, epoch in enumerate((made.paying, made.waiting), start=1):
        type(epoch).objects.filter(pk=epoch.pk).update(digest=address(number).ljust(66, "0"), scored_at=NOW)
    for person in made.people.values():
        person.email = f"{person.username}@people.example"
        person.save()
    made.people["maker"].makers.first().admins.add(made.people["maker"])
    return made


def look(stage, *, now=NOW) -> set[str]:
    """Let the service look once, and return the kinds of what was new."""
    before = set(Notice.objects.values_list("pk", flat=True))
    notices_record(program=stage.program, now=now)
    return set(Notice.objects.exclude(pk__in=before).values_list("kind", flat=True))


def told(kind: str) -> set[str]:
    """Return who has a mail of a kind on its way."""
    return set(Delivery.objects.filter(notice__kind=kind).values_list("person__username", flat=True))


def test_what_happened_is_found_once_however_often_one_looks(stage):
    assert look(stage) >= {"epoch.scored", "review.open", "root.active", "epoch.paid"}
    assert look(stage) == set()


def test_a_maker_hears_of_its_own_pay_and_of_nobody_elses(stage):
    look(stage)
    aurora, meridian = (stage.makers[slug] for slug in ("aurora", "meridian"))
    ours = Notice.objects.get(kind="epoch.paid", maker=aurora)
    payments = stage.paying.payments.filter(maker="aurora")
    assert int(ours.data["amount"]) == sum(payments.values_list("amount", flat=True))
    assert "meridian" not in json.dumps([n.data for n in Notice.objects.filter(maker=aurora)])
    client = Client()
    client.force_login(stage.people["other_maker"])
    text = client.get(reverse("notices")).content.decode()
    assert meridian.name in text
    assert aurora.name not in text


def test_a_treasurer_hears_that_an_approval_is_needed_only_when_its_checks_have_passed(stage):
    EpochCheck.objects.filter(epoch=stage.waiting).delete()
    assert "approval.needed" not in look(stage)
    EpochCheck.objects.bulk_create(
        EpochCheck(epoch=stage.waiting, stage="approval", code=code, passed=True, detail="") for code in CHECK_LABELS
    )
    assert look(stage) == {"approval.needed"}
    assert told("approval.needed") == {"treasurer"}


def test_an_epoch_that_is_scored_again_to_something_else_is_news_again(stage):
    EpochCheck.objects.filter(epoch=stage.waiting).delete()
    look(stage)
    stage.program.epochs.filter(pk=stage.waiting.pk).update(manifest_hash="0x" + "99" * 32, digest="0x" + "98" * 32)
    assert look(stage) == {"epoch.scored", "review.open"}


def test_makers_hear_of_the_review_window_when_it_opens_and_not_again_when_the_epoch_is_proposed(stage):
    look(stage)
    epochs = stage.program.epochs.filter(pk=stage.waiting.pk)
    again = {"manifest_hash": "0x" + "99" * 32, "digest": "", "review_until_ms": 1_764_266_400_000}
    epochs.update(state="vetoed")
    for state in ("live", "scored"):
        epochs.update(state=state, **again)
    assert look(stage) >= {"epoch.scored", "review.open"}
    notice = Notice.objects.filter(kind="review.open", maker__slug="aurora").latest("pk")
    # 1,764,266,400 s are Thanksgiving 2025, 18:00 UTC: `date -u -d @1764266400`.
    assert "is under review until 27 Nov 2025, 18:00 UTC" in words_of(notice=notice).text
    epochs.update(state="proposed", digest="0x" + "98" * 32)
    assert "review.open" not in look(stage)


def test_what_is_long_past_when_it_is_first_seen_is_no_news(stage):
    assert not look(stage, now=NOW + dt.timedelta(days=30)) & {"epoch.scored", "root.active", "epoch.paid"}


def test_a_provider_who_has_proven_an_account_hears_of_its_pay_and_of_its_collections(stage):
    account = stage.payout_account("nightowl")
    Wallet.objects.create(address=account, owner=stage.people["provider"], is_contract=False)
    make_claim(ChainDistributor.objects.get(), account, 7 * 10**18, 7 * 10**18, time_ms=CLOCK - HOUR_MS, log_index=7)
    look(stage)
    mine = Notice.objects.filter(account=account)
    assert set(mine.values_list("kind", flat=True)) == {"epoch.paid", "claim.collected"}
    assert told("claim.collected") >= {"provider"}
    collected = mine.get(kind="claim.collected", data__amount=str(7 * 10**18))
    assert collected.at == dt.datetime.fromtimestamp((CLOCK - HOUR_MS) / 1000, dt.UTC)


@pytest.mark.parametrize(("behind", "is_told"), [(0, True), (2_000_000, False)])
def test_a_collection_is_news_by_the_chains_clock_unless_its_past_is_still_being_read(stage, behind, is_told):
    Cursor.objects.update(head_number=F("block_number") + behind)
    account = stage.payout_account("nightowl")
    make_claim(ChainDistributor.objects.get(), account, 7 * 10**18, 7 * 10**18, time_ms=CLOCK - HOUR_MS, log_index=7)
    # This machine's clock is a year ahead of the chain's, as it is beside a demo or a sandbox.
    assert ("claim.collected" in look(stage, now=NOW + dt.timedelta(days=365))) is is_told


def test_a_maker_whose_quotes_are_there_too_seldom_hears_of_it_once(stage):
    # The terms ask for half of the weekend; Firefly was there for less.
    from rewards.models import Score

    row = Score.objects.filter(epoch=stage.live, maker="flicker", kind="weekend").first() or Score.objects.create(
        epoch=stage.live, market="AAPL-PERP", maker="flicker", kind="weekend", credit=0, present_ms=0, live_ms=0
    )
    Score.objects.filter(pk=row.pk).update(present_ms=HOUR_MS * 4_321 // 10_000, live_ms=HOUR_MS)
    assert "uptime.low" in look(stage)
    notice = Notice.objects.get(kind="uptime.low", maker__slug="flicker", data__market=row.market)
    assert (notice.data["needed_bps"], notice.data["session"]) == (5000, "weekend")

    assert "43.2%" in words_of(notice=notice).text
    assert "50.0%" in words_of(notice=notice).text
    Score.objects.filter(pk=row.pk).update(present_ms=HOUR_MS // 10)
    assert "uptime.low" not in look(stage)


def test_a_market_that_stands_still_is_told_to_the_operator_and_to_every_maker(stage):
    look(stage)
    Market.objects.filter(name="MSFT-PERP").update(
        quarantined_block=77, quarantine_reason="a cancel of an unknown order"
    )
    assert look(stage) == {"market.quarantined"}
    assert Notice.objects.filter(kind="market.quarantined").count() == 1 + Maker.objects.count()
    assert told("market.quarantined") >= {"operator", "treasurer", "maker", "other-maker"}
    assert look(stage) == set()


def test_mail_says_it_in_sentences_and_carries_a_link_that_stops_it(stage):
    look(stage)
    while deliveries_do(now=NOW):
        pass
    to_maker = [each for each in mail.outbox if each.to == ["maker@people.example"] and "earned" in each.subject]
    assert to_maker
    message = to_maker[0]
    assert "Aurora Liquidity earned" in message.body
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message.extra_headers["List-Unsubscribe"].strip("<>")
    path = "/" + link.split("/", 3)[3]
    anybody = Client(enforce_csrf_checks=True)
    assert anybody.get(path).status_code == 200
    assert not MailChoice.objects.exists()
    assert anybody.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert MailChoice.objects.get().person == stage.people["maker"]
    assert anybody.post(path[:-3] + "xx/").status_code == 404


def test_who_said_no_gets_no_mail_of_that_kind_and_who_has_no_address_gets_none(stage):
    client = Client()
    client.force_login(stage.people["treasurer"])
    wanted = ["approval.needed", "review.open", "root.active", "market.quarantined", "webhook.off"]
    client.post(reverse("notices-choose"), {"kind": wanted})
    User.objects.filter(username="maker").update(email="")
    look(stage)
    assert "treasurer" not in told("epoch.scored")
    assert "treasurer" in told("root.active")
    assert "maker" not in told("epoch.scored")


def test_mail_goes_through_a_real_server_and_waits_while_there_is_none(stage, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", free_port(), 5
    look(stage)
    Delivery.objects.exclude(person__username="maker", notice__kind="epoch.paid").delete()
    assert deliveries_do(now=NOW) == 1
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.next_at) == ("waiting", NOW + WAITS[0])
    assert deliveries_do(now=NOW) == 0
    received = []

    class Inbox:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the library calls it so
            received.append((envelope.rcpt_tos, envelope.content.decode()))
            return "250 taken"

    server = Controller(Inbox(), hostname="127.0.0.1", port=settings.EMAIL_PORT)
    server.start()
    try:
        assert deliveries_do(now=NOW + WAITS[0]) == 1
    finally:
        server.stop()
    ((recipients, text),) = received
    assert recipients == ["maker@people.example"]
    assert "its payout accounts can collect it" in " ".join(text.replace("=\r\n", "").split())
    assert Delivery.objects.get().state == "done"


def added(stage, url, **kwargs) -> tuple[WebhookEndpoint, str]:
    by, maker = stage.people["maker"], stage.makers["aurora"]
    return webhook_add(by=by, maker=maker, url=url, **kwargs)


def post_all(*, now=NOW) -> None:
    Delivery.objects.exclude(person=None).delete()
    while deliveries_do(now=now):
        pass


def test_a_makers_program_gets_its_notices_and_checks_them_with_another_librarys_eyes(stage):
    with receiver() as program:
        _, secret = added(stage, program.url, kinds=["epoch.paid", "epoch.scored"])
        look(stage)
        post_all()
    kinds = []
    for headers, body in program.posts:
        # The library has a tolerance of five minutes around its own clock.
        webhook = Webhook(secret)
        stamped = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
        expected = webhook.sign(headers["webhook-id"], stamped, body.decode())
        assert headers["webhook-signature"] == expected
        content = json.loads(body)
        kinds.append(content["type"])
        assert content["data"]["maker"] == "aurora"
    assert set(kinds) == {"epoch.paid", "epoch.scored"}
    assert {headers["content-type"] for headers, _ in program.posts} == {"application/json"}
    assert len({headers["webhook-id"] for headers, _ in program.posts}) == len(program.posts)


def test_a_post_of_now_passes_the_librarys_whole_check_and_one_bit_more_does_not(stage):
    now = dt.datetime.now(dt.UTC)
    with receiver() as program:
        endpoint, secret = added(stage, program.url)
        client = Client()
        client.force_login(stage.people["maker"])
        client.post(reverse("webhook", args=[endpoint.pk]), {"action": "test"})
    ((headers, body),) = program.posts
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"test", b"tesT"), headers)
    assert Delivery.objects.get().done_at >= now


def test_what_fails_is_tried_again_later_under_the_same_id_until_it_arrives(stage):
    with receiver(500, 503, 200) as program:
        added(stage, program.url, kinds=["epoch.paid"])
        look(stage)
        now = NOW
        for wait in (dt.timedelta(), WAITS[0], WAITS[1]):
            now += wait
            post_all(now=now - dt.timedelta(seconds=1))
            post_all(now=now)
    assert [json.loads(body)["type"] for _, body in program.posts] == ["epoch.paid"] * 3
    assert len({headers["webhook-id"] for headers, _ in program.posts}) == 1
    assert len({body for _, body in program.posts}) == 1
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status) == ("done", 3, 200)


def test_an_endpoint_that_is_gone_is_switched_off_and_its_people_are_told(stage):
    with receiver(410) as program:
        endpoint, _ = added(stage, program.url, kinds=["epoch.paid"])
        look(stage)
        post_all()
    endpoint.refresh_from_db()
    assert (endpoint.is_on, endpoint.off_reason) == (False, "It answered that it is gone for good.")
    notice = Notice.objects.get(kind="webhook.off")
    assert notice.maker == stage.makers["aurora"]


def test_an_endpoint_that_never_answers_well_is_given_up_after_the_last_try(stage):
    with receiver(302) as program:
        endpoint, _ = added(stage, program.url, kinds=["epoch.paid"])
        look(stage)
        now = NOW
        for wait in (*WAITS, dt.timedelta(days=9)):
            post_all(now=now)
            now += wait
        post_all(now=now)
    # A redirect is a no, and is not followed.
    assert len(program.posts) == len(WAITS) + 1
    endpoint.refresh_from_db()
    assert not endpoint.is_on
    webhook_switch(by=stage.people["maker"], endpoint=endpoint, on=True)
    assert WebhookEndpoint.objects.get().off_reason == ""


def test_after_a_change_of_the_secret_both_sign_for_a_day(stage):
    with receiver() as program:
        endpoint, former = added(stage, program.url, kinds=["epoch.paid", "epoch.scored"])
        current = webhook_change_secret(by=stage.people["maker"], endpoint=endpoint, now=NOW)
        look(stage)
        first = Delivery.objects.filter(endpoint=endpoint).first()
        Delivery.objects.exclude(pk=first.pk).update(next_at=NOW + dt.timedelta(hours=25))
        post_all()
        post_all(now=NOW + dt.timedelta(hours=25))
    (early, body), (late, later) = program.posts[0], program.posts[-1]

    def signature(secret, headers, text):
        stamped = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
        return Webhook(secret).sign(headers["webhook-id"], stamped, text.decode())

    assert early["webhook-signature"].split() == [signature(current, early, body), signature(former, early, body)]
    assert late["webhook-signature"].split() == [signature(current, late, later)]


def test_two_workers_at_once_send_once(transactional_db, stage):
    with receiver() as program:
        added(stage, program.url, kinds=["epoch.paid"])
        look(stage)
        Delivery.objects.exclude(person=None).delete()

        def work() -> None:
            from django.db import connection

            try:
                deliveries_do(now=NOW)
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(program.posts) == 1


def test_who_was_killed_while_sending_is_followed_by_another_after_the_lease(stage):
    with receiver() as program:
        added(stage, program.url, kinds=["epoch.paid"])
        look(stage)
        # As a worker leaves it that was killed: leased, and nothing written down.
        Delivery.objects.update(leased_until=NOW + dt.timedelta(seconds=90), attempts=1)
        post_all()
        assert program.posts == []
        post_all(now=NOW + dt.timedelta(seconds=90))
    assert len(program.posts) == 1


def test_a_copy_of_the_database_has_no_secret_in_it(stage, settings):
    endpoint, secret = added(stage, "http://127.0.0.1:9/")
    assert secret.encode() not in bytes(endpoint.secret)
    settings.SECRET_KEY, former = "another key " * 4, settings.SECRET_KEY
    from rewards.services.notices.signing import unseal

    with pytest.raises(SecretUnreadableError, match="new secret"):
        unseal(bytes(endpoint.secret))
    settings.SECRET_KEY_FALLBACKS = [former]
    assert unseal(bytes(endpoint.secret)) == secret


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://maker.example/", "begin with https://"),
        ("http://maker.example/", "begin with https://"),
        ("https://user:word@maker.example/", "user name"),
        ("https://maker.example/#part", "behind #"),
        ("https://maker.example:22/", "ports 443 and 8443"),
        ("https://maker.example/a b", "blanks"),
        ("https://maker.example/a\r\nX-Header: b", "blanks"),
        ("https://maker.example:99999/", "not an address"),
        ("https:///nowhere", "begin with https://"),
        ("https://maker.example/" + "a" * 500, "longer than 500"),
    ],
)
def test_an_address_that_can_not_be_posted_to_is_refused_with_the_reason(stage, settings, url, why):
    settings.WEBHOOKS_ALLOW_PRIVATE = False
    with pytest.raises(WebhookUrlError, match=why):
        added(stage, url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "192.168.1.1", "[::1]", "[::ffff:127.0.0.1]", "0",
     "[64:ff9b::7f00:1]", "[fd00::1]", "2130706433", "224.0.0.1"],
)  # fmt: skip
def test_nothing_is_posted_to_a_machine_of_our_own_network(host):
    with pytest.raises((WebhookUrlError, PostFailedError)) as refused:
        posting.post(url=f"https://{host}/latest/meta-data", body=b"{}", headers={}, allow_private=False)
    assert "could not be reached" not in str(refused.value) or host == "2130706433"


def test_a_receiver_that_sends_a_byte_at_a_time_runs_out_of_time(monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.6)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            for each in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100:
                try:
                    connection.sendall(bytes([each]))
                except OSError:
                    return
                threading.Event().wait(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    port = listener.getsockname()[1]
    with pytest.raises(PostFailedError, match=r"within 0\.6 seconds"):
        posting.post(url=f"http://127.0.0.1:{port}/", body=b"{}", headers={}, allow_private=True)
    thread.join()
    listener.close()


def test_the_same_address_twice_and_an_eleventh_one_are_refused(stage):
    added(stage, "http://127.0.0.1:9/0")
    with pytest.raises(WebhookConflictError, match="already"):
        added(stage, "http://127.0.0.1:9/0")
    for number in range(1, 10):
        added(stage, f"http://127.0.0.1:9/{number}")
    with pytest.raises(WebhookConflictError, match="remove one first"):
        added(stage, "http://127.0.0.1:9/10")
    assert Program.objects.count() == 1
    with pytest.raises(WebhookConflictError, match="no such kind"):
        webhook_add(by=stage.people["treasurer"], maker=None, url="http://127.0.0.1:9/", kinds=["epoch.invented"])


def test_a_makers_admin_adds_a_webhook_on_the_page_and_sees_its_secret_once(stage):
    client = Client()
    client.force_login(stage.people["maker"])
    page = reverse("maker-webhooks", args=["aurora"])
    refused = client.post(page, {"url": "maker.example"})
    assert refused.status_code == 422
    assert "has to begin with" in refused.content.decode()
    answer = client.post(page, {"url": "http://127.0.0.1:9/x", "kind": ["uptime.low"]}).content.decode()
    secret = answer.split("data-secret>")[1].split("<")[0]
    assert secret.startswith("whsec_")
    endpoint = WebhookEndpoint.objects.get()
    assert secret not in client.get(reverse("webhook", args=[endpoint.pk])).content.decode()
    assert (
        "did not arrive"
        in client.post(reverse("webhook", args=[endpoint.pk]), {"action": "test"}, follow=True).content.decode()
    )
    stranger = Client()
    stranger.force_login(stage.people["other_maker"])
    assert stranger.post(reverse("webhook", args=[endpoint.pk]), {"action": "remove"}).status_code == 403
    client.post(reverse("webhook", args=[endpoint.pk]), {"action": "remove"})
    assert not WebhookEndpoint.objects.exists()
