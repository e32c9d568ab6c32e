"""A maker on a chain: enrolled by signatures, it earns from the next epoch on; who may not be paid is not."""

import csv
import hashlib
import io
import threading
from decimal import Decimal

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import IneligibleError, NotPermittedError, PayoutAccountError, SanctionsFileError
from accounts.models import Maker, MakerAddress, PayoutPlan, SanctionsList, User
from accounts.selectors_makers import payouts_at, quoting_addresses
from accounts.services import maker_payouts_set
from onchain.distributor import read_summary
from onchain.indexer import node
from rewards import tasks
from rewards.models import Delivery, Epoch, EpochCheck, Payment
from rewards.selectors.treasury import treasury_epoch
from rewards.services.boundary import boundary_hold
from rewards.services.checks import checks_run
from rewards.services.makers import address_remove, maker_leave
from rewards.services.notices.delivering import deliveries_do
from rewards.services.payouts import payouts_change
from rewards.services.programs import epoch_schedule, epochs_begin
from rewards.services.sanctions import sanctions_load
from rewards.views.maker_payouts import percent_text, share_of
from tests.accounts.enrolling import Asker, asker, decide, operator, said
from tests.accounts.people import key, signed
from tests.chain import calldata
from tests.contracts.world import built
from tests.operators import OPERATOR
from tests.pages.factories import WEEKS, make_epoch, make_program
from tests.rewards.conftest import ALICE, ALICE_LP, ALICE_PAY, BOB_PAY, TREASURY, house, one_process
from tests.rewards.test_scoring import HOUR_S, START_S, quote, terms_of

__all__ = ["house", "one_process"]
pytestmark = pytest.mark.django_db
HOT, COLD, SIGNER, LATE = key(21), key(22), key(23), key(24)
PAY = "0x" + "5a" * 20
EPOCH_S = 2 * HOUR_S
LISTED = "0x" + "66" * 20


def schedule(house, number: int) -> Epoch:
    """Schedule epoch `number`, two hours each, one after the other."""
    start_s = START_S + (number - 1) * EPOCH_S
    return epoch_schedule(
        program=house.program,
        terms=terms_of(number=number, start_s=start_s, end_s=start_s + EPOCH_S, token=house.token),
    )


def at(house, time_s: int) -> None:
    """Have the chain come to a time, read and final through the block before."""
    house.anvil.mine(time_s=time_s, blocks=5)
    house.index()
    epochs_begin(now_ms=time_s * 1000)


def sanctions(*addresses: str, as_of: str = "2026-11-20") -> bytes:
    rows = "".join(f"{address},Somebody\n" for address in addresses)
    return f"# source: A list\n# as_of: {as_of}\naddress,name\n{rows}".encode()


def bundle_rows(settings, epoch: Epoch, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((settings.EVIDENCE_DIR / epoch.evidence_name / name).read_text())))


def contract_wallet(anvil) -> str:
    """A contract wallet on the chain that vouches for what SIGNER signs."""
    bytecode, _ = built("hostile_wallet")
    sent = anvil.send(data=bytecode)
    anvil.mine()
    address = anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"]
    anvil.send(data=calldata("set_mode(uint256,address)", ("uint256", "address"), (6, SIGNER.address)), to=address)
    anvil.mine()
    return address


def enrolled(house) -> tuple[Asker, str]:
    """Lantern asks in the middle of the first epoch, with two keys and a contract wallet, and is accepted."""
    contract = contract_wallet(house.anvil)
    person = asker()
    person.ask(payout_account=PAY)
    for account in (HOT, COLD):
        assert "is proven" in person.prove(account)
    text = person.message(contract)
    assert "is proven" in person.hand_in(text, signed(SIGNER, text))
    assert "is enrolled" in decide(operator(), person.page, "accept")
    return person, contract.lower()


def test_a_maker_with_three_wallets_earns_from_the_next_epoch_on_and_not_before(house, one_process, settings):
    first, second = schedule(house, 1), schedule(house, 2)
    at(house, START_S)
    person, contract = enrolled(house)
    # 16:00 UTC on 18 November 2026, when the second epoch begins.
    assert "Wed 18 Nov 2026, 11:00" in person.client.get(person.page).content.decode()
    assert MakerAddress.objects.filter(maker__slug="lantern", since_ms=second.start_ms).count() == 3
    # All three quote from the first epoch on, each a third of the book; in the second nobody else does.
    for number, owner in enumerate((HOT.address, COLD.address, contract)):
        quote(house.exchange, owner.lower(), 1 + 2 * number)
    house.exchange.submit(time_s=START_S + HOUR_S)
    at(house, START_S + EPOCH_S)
    at(house, START_S + 2 * EPOCH_S)
    tasks.advance_epochs()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("empty", "scored"), (first.note, second.note)
    assert not Payment.objects.filter(epoch=first).exists()
    paid = Payment.objects.get(epoch=second)
    # Alone on the book for all of the second epoch: all of its budget.
    assert (paid.maker, paid.account, paid.amount) == ("lantern", PAY, 1_000_000)
    # The evidence says the same: in the first epoch's file the three addresses are nobody's.
    in_file = {row["address"]: row["maker"] for row in bundle_rows(settings, second, "makers.csv")}
    assert {address for address, maker in in_file.items() if maker == "lantern"} == {
        HOT.address.lower(), COLD.address.lower(), contract,
    }  # fmt: skip
    assert "lantern" not in {row["maker"] for row in bundle_rows(settings, first, "makers.csv")}


def test_an_address_comes_and_goes_at_epochs_and_what_has_begun_stays_as_it_was(house):
    epochs = [schedule(house, number) for number in (1, 2, 3)]
    at(house, START_S)
    person, _ = enrolled(house)
    page = "/makers/lantern/wallets/"
    at(house, START_S + EPOCH_S)
    assert "from the next epoch on" in person.prove(LATE, page=page)
    assert "no longer quotes" in person.do("remove", page=page, address=HOT.address, reason="Its key is old.")
    assert "does not quote for" in person.do("remove", page=page, address=HOT.address, reason="Again.")
    counted = [{a for a, m in quoting_addresses(start_ms=e.start_ms).items() if m == "lantern"} for e in epochs]
    assert [len(addresses) for addresses in counted] == [0, 3, 3]
    assert counted[2] - counted[1] == {LATE.address.lower()}
    assert counted[1] - counted[2] == {HOT.address.lower()}
    text = person.client.get(page).content.decode()
    assert "Its key is old." in text
    assert "leaves" not in text
    assert "takes part in no epoch that begins from now on" in person.do("leave", page=page, reason="We stop.")
    assert "lantern" in quoting_addresses(start_ms=epochs[1].start_ms).values()
    assert "lantern" not in quoting_addresses(start_ms=epochs[2].start_ms).values()


def test_an_address_that_is_removed_before_it_counted_never_counts(house):
    epoch = schedule(house, 1)
    enrolled(house)
    address_remove(
        by=User.objects.get(username="asker"),
        maker=Maker.objects.get(slug="lantern"),
        address=HOT.address,
        reason="No.",
        now_ms=0,
    )
    assert HOT.address.lower() not in quoting_addresses(start_ms=epoch.start_ms)


def test_an_operator_ends_a_makers_time_with_a_reason(house):
    epoch = schedule(house, 1)
    maker_leave(by=OPERATOR, maker=Maker.objects.get(slug="alice"), reason="It moved to Cuba.", now_ms=0)
    assert set(quoting_addresses(start_ms=epoch.start_ms).values()) == {"bob"}
    assert Maker.objects.get(slug="alice").changes.first().reason == "It moved to Cuba."


@pytest.mark.django_db(transaction=True)
def test_no_epoch_begins_while_a_decision_about_makers_is_written():
    """What turns an epoch live updates its row, and another connection finds the rows to come taken."""
    program = make_program()
    epochs = [make_epoch(program, number, WEEKS[number - 1], WEEKS[number], ("AAPL-PERP",)) for number in (1, 2)]
    free = []

    def look() -> None:
        with transaction.atomic():
            rows = Epoch.objects.select_for_update(skip_locked=True).values_list("number", flat=True)
            free.extend(rows)
        connections.close_all()

    with transaction.atomic():
        assert boundary_hold(now_ms=WEEKS[0]) == epochs[1].start_ms
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    # The first has begun by the clock that was given, so it is nobody's to hold.
    assert free == [1]


# --- where pay goes -----------------------------------------------------------------------------------------------


def admin_of(slug: str) -> Asker:
    person = User.objects.create_user(username=f"{slug}'s admin", role="maker")
    maker = Maker.objects.get(slug=slug)
    maker.members.add(person)
    maker.admins.add(person)
    return Asker(person)


def change(person: Asker, *rows: tuple[str, str], reason: str = "New books.", slug: str = "alice") -> str:
    fields = {
        "label": ["books"] * len(rows), "account": [account for account, _ in rows],
        "percent": [percent for _, percent in rows], "reason": reason,
    }  # fmt: skip
    return said(person.client.post(f"/makers/{slug}/payouts/", fields, follow=True))


def test_a_plan_counts_for_epochs_that_begin_later_to_the_millionth(house):
    first, second = schedule(house, 1), schedule(house, 2)
    at(house, START_S)
    assert "Kept." in change(admin_of("alice"), (PAY, "33.3333"), (ALICE_LP, "66.6667"))
    assert payouts_at(start_ms=first.start_ms)["alice"] == [(ALICE_PAY, 700_000), (ALICE_LP, 300_000)]
    assert payouts_at(start_ms=second.start_ms)["alice"] == [(PAY, 333_333), (ALICE_LP, 666_667)]
    assert payouts_at(start_ms=second.start_ms)["bob"] == [(BOB_PAY, 1_000_000)]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(PAY, "99.9999")], "must sum to 100%, each account once and above 0; they sum to 99.9999%"),
        ([(PAY, "50"), (PAY.upper().replace("0X", "0x"), "50")], "each account once"),
        ([(PAY, "100"), (BOB_PAY, "0")], "above 0"),
        ([(PAY, "33.33333"), (BOB_PAY, "66.66667")], "at most four decimals"),
        ([(PAY, "-1"), (BOB_PAY, "101")], "is no share"),
        ([("0x12", "100")], "is no account"),
        ([("0x" + "0" * 40, "100")], "can't collect"),
        ([], "must sum to 100%"),
    ],
)
def test_a_plan_that_does_not_add_up_or_pays_nobody_is_refused(house, rows, sentence):
    assert sentence in change(admin_of("alice"), *rows)
    assert PayoutPlan.objects.filter(maker__slug="alice").count() == 1


@given(st.integers(0, 1_000_000))
def test_a_share_that_is_written_as_per_cent_is_read_as_the_same_share(share_ppm):
    assert share_of(percent_text(share_ppm)) == share_ppm
    assert Decimal(percent_text(share_ppm)) * 10_000 == share_ppm


def test_the_plan_to_come_is_replaced_by_the_next_word_and_both_are_shown(house):
    schedule(house, 1)
    second = schedule(house, 2)
    at(house, START_S)
    person = admin_of("alice")
    change(person, (PAY, "100"), reason="A slip.")
    change(person, (BOB_PAY, "100"), reason="The right one.")
    assert payouts_at(start_ms=second.start_ms)["alice"] == [(BOB_PAY, 1_000_000)]
    page = person.client.get("/makers/alice/payouts/").content.decode()
    assert ALICE_PAY in page
    assert "The right one." in page
    assert "A slip." in page


def test_every_member_with_an_address_is_mailed_where_pay_goes_now_also_who_changed_it(house, settings):
    person = admin_of("alice")
    colleague = User.objects.create_user(username="colleague", role=User.Role.MAKER)
    Maker.objects.get(slug="alice").members.add(colleague)
    for each in (person.person, colleague, User.objects.create_user(username="stranger")):
        User.objects.filter(pk=each.pk).update(email=f"{each.username}@desk.example")
    change(person, (PAY, "99.9999"))
    assert not Delivery.objects.exists()
    change(person, (PAY, "33.3333"), (ALICE_LP, "66.6667"), reason="New books.")
    # Not while the page waits: a worker sends it.
    assert mail.outbox == []
    while deliveries_do(now=timezone.now()):
        pass
    told = {message.to[0]: message for message in mail.outbox}
    assert sorted(told) == sorted(f"{each.username}@desk.example" for each in (person.person, colleague))
    message = told["colleague@desk.example"]
    assert message.subject == f"The pay of {Maker.objects.get(slug='alice').name} goes elsewhere"
    for words in (
        person.person.username,
        f"{PAY} 33.3333%",
        "New books.",
        f"{settings.SITE_URL}/makers/alice/payouts/",
    ):
        assert words in message.body


def test_a_sign_in_of_long_ago_changes_no_payout(house):
    person = admin_of("alice")
    person.person.sign_ins.update(at="2020-01-01T00:00:00Z")
    assert "sign in again" in change(person, (PAY, "100"))


def test_an_operator_sets_payouts_only_while_a_maker_has_no_admin(house):
    maker = Maker.objects.get(slug="alice")
    maker_payouts_set(by=OPERATOR, maker=maker, shares=[(PAY, 1_000_000)], since_ms=0)
    admin_of("alice")
    with pytest.raises(NotPermittedError, match="is for its admins"):
        maker_payouts_set(by=OPERATOR, maker=maker, shares=[(BOB_PAY, 1_000_000)], since_ms=0)


def test_the_token_and_the_distributor_are_no_payout_accounts(house):
    person = admin_of("alice").person
    for account in (house.token, house.distributor):
        with pytest.raises(PayoutAccountError):
            payouts_change(
                by=person, maker=Maker.objects.get(slug="alice"), shares=[(account, 1_000_000)], labels={},
                reason="Why not.", now_ms=0,
            )  # fmt: skip


# --- who may not be paid ------------------------------------------------------------------------------------------


@pytest.fixture
def scored(house, one_process) -> Epoch:
    """One epoch in which Alice and Bob quote, over and scored, not proposed."""
    epoch = schedule(house, 1)
    schedule(house, 2)
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    at(house, START_S + EPOCH_S)
    tasks.advance_epochs()
    epoch.refresh_from_db()
    assert epoch.state == "scored", epoch.note
    return epoch


def check(epoch: Epoch) -> tuple[bool, str]:
    client = node()
    try:
        checks_run(client, epoch=epoch, summary=read_summary(client=client, distributor=epoch.program.distributor))
    finally:
        client.close()
    row = EpochCheck.objects.get(epoch=epoch, code="eligible")
    return row.passed, row.detail


def now_ms_of() -> int:
    return (START_S + EPOCH_S) * 1000


def test_an_account_that_came_on_the_list_holds_the_epoch_until_the_maker_names_another(house, scored):
    assert check(scored)[0]
    person = admin_of("alice")
    sanctions_load(by=OPERATOR, content=sanctions(ALICE_LP), now_ms=now_ms_of())
    passed, said_ = check(scored)
    assert not passed
    assert f"{ALICE_LP} is on a sanctions list (A list, 2026-11-20): Somebody. alice must name another account" in said_
    page = treasury_epoch(epoch_id=scored.pk, now_ms=now_ms_of())
    assert [row.passed for row in page.checks if row.code == "eligible"] == [False]
    assert "It can’t be paid. Name another account" in person.client.get("/makers/alice/payouts/").content.decode()
    before = scored.paid_total
    assert "is on a sanctions list" in change(person, (ALICE_LP, "100"))
    assert "Kept." in change(person, (ALICE_PAY, "70"), (PAY, "30"))
    tasks.advance_epochs()
    scored.refresh_from_db()
    assert check(scored)[0]
    paid = dict(Payment.objects.filter(epoch=scored, maker="alice").values_list("account", "amount"))
    assert set(paid) == {ALICE_PAY, PAY}
    assert (sum(paid.values()), scored.paid_total) == (before, before)


def test_a_listed_quoting_address_keeps_its_maker_out_of_later_epochs_and_its_pay_back(house, scored, settings):
    sanctions_load(by=OPERATOR, content=sanctions(ALICE), now_ms=now_ms_of() - 1)
    later = Epoch.objects.get(number=2)
    # As if it had been loaded just before the second epoch began.
    SanctionsList.objects.update(since_ms=later.start_ms)
    assert "alice" in quoting_addresses(start_ms=scored.start_ms).values()
    assert "alice" not in quoting_addresses(start_ms=later.start_ms).values()
    passed, said_ = check(scored)
    assert not passed
    assert "Alice Quotes may not be paid" in said_
    assert "withhold_pay perps 1 alice" in said_
    before = dict(Payment.objects.filter(epoch=scored).exclude(maker="alice").values_list("account", "amount"))
    total = scored.paid_total
    for name, role in (("olu", "operator"), ("tess", "treasurer")):
        User.objects.create_user(username=name, role=role)
    tasks.watch_distributor()
    with pytest.raises(CommandError, match="is for Treasurers"):
        call_command("withhold_pay", "perps", "1", "alice", by="olu", reason="Its address is listed.")
    call_command("withhold_pay", "perps", "1", "alice", by="tess", reason="Its address is listed.")
    tasks.advance_epochs()
    scored.refresh_from_db()
    passed, said_ = check(scored)
    assert passed, said_
    assert "The pay of alice stays with the treasury, says tess: Its address is listed." in said_
    treasury = house.anvil.accounts[TREASURY]
    assert set(Payment.objects.filter(epoch=scored, maker="alice").values_list("account", flat=True)) == {treasury}
    assert scored.paid_total == total
    after = dict(Payment.objects.filter(epoch=scored).exclude(maker="alice").values_list("account", "amount"))
    assert after == before
    rows = [row for row in bundle_rows(settings, scored, "payouts.csv") if row["maker"] == "alice"]
    assert [(row["account"], row["share_ppm"]) for row in rows] == [(treasury, "1000000")]


def test_pay_of_a_maker_that_nothing_stands_against_is_not_withheld(house, scored):
    User.objects.create_user(username="tess", role="treasurer")
    tasks.watch_distributor()
    with pytest.raises(CommandError, match="nothing stands against it"):
        call_command("withhold_pay", "perps", "1", "alice", by="tess", reason="We don't like it.")


def test_a_list_that_is_loaded_during_an_epoch_changes_nothing_of_it(house):
    first, second = schedule(house, 1), schedule(house, 2)
    at(house, START_S)
    sanctions_load(by=OPERATOR, content=sanctions(ALICE), now_ms=START_S * 1000)
    assert ALICE in quoting_addresses(start_ms=first.start_ms)
    assert ALICE not in quoting_addresses(start_ms=second.start_ms)
    sanctions_load(by=OPERATOR, content=sanctions(as_of="2026-11-21"), now_ms=START_S * 1000)
    assert ALICE in quoting_addresses(start_ms=second.start_ms)


def test_the_command_shows_what_a_list_changes_and_keeps_who_when_and_hash(tmp_path, capsys):
    User.objects.create_user(username="olu", role="operator")
    User.objects.create_user(username="tess", role="treasurer")
    path = tmp_path / "list.csv"
    path.write_bytes(sanctions(LISTED))
    call_command("sanctions_load", str(path), by="olu", dry_run=True)
    out = capsys.readouterr().out
    assert f"+ {LISTED} Somebody" in out
    assert "- 0x098b716b8aaf21512996dc57eb0615e2383e2f96 Lazarus Group" in out
    assert "Nothing was loaded: 1 added, 1 removed, 1 in all." in out
    assert not SanctionsList.objects.exists()
    with pytest.raises(CommandError, match="is for Operators"):
        call_command("sanctions_load", str(path), by="tess")
    call_command("sanctions_load", str(path), by="olu")
    kept = SanctionsList.objects.get()
    assert (kept.loaded_by, str(kept.as_of), kept.source) == ("olu", "2026-11-20", "A list")
    assert kept.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"address,name\n", "line 1: lines “# source"),
        (b"# source: A\n# as_of: soon\naddress,name\n", "line 1: lines"),
        (b"# source: A\n# as_of: 2026-11-20\n0x12,A\n", "line 3: the columns are address,name"),
        (b"# source: A\n# as_of: 2026-11-20\naddress,name\n0x12,A\n", "line 4: it must be an address"),
        (b"# source: A\n# as_of: 2020-01-01\naddress,name\n", "the list in use is of 2022-04-14"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_sanctions_file_that_can_not_be_read_or_is_older_changes_nothing(content, sentence):
    with pytest.raises(SanctionsFileError, match=sentence):
        sanctions_load(by=OPERATOR, content=content, now_ms=0)
    assert not SanctionsList.objects.exists()


def test_a_listed_address_can_not_be_added_by_a_maker(house):
    schedule(house, 1)
    person, _ = enrolled(house)
    sanctions_load(by=OPERATOR, content=sanctions(LATE.address.lower()), now_ms=0)
    assert "is on a sanctions list" in person.prove(LATE, page="/makers/lantern/wallets/")
    lantern = Maker.objects.get(slug="lantern")
    with pytest.raises(IneligibleError):
        payouts_change(
            by=User.objects.get(username="asker"), maker=lantern, shares=[(LATE.address, 1_000_000)], labels={},
            reason="Why.", now_ms=0,
        )  # fmt: skip


# --- the pages of a maker are for its members ---------------------------------------------------------------------


@pytest.mark.parametrize("page", ["wallets", "payouts"])
@pytest.mark.parametrize("action", ["message", "prove", "remove", "leave", ""])
def test_another_makers_admin_changes_nothing(house, page, action):
    bob = admin_of("bob")
    answer = bob.client.post(
        f"/makers/alice/{page}/",
        {"action": action, "address": ALICE, "reason": "x", "account": PAY, "percent": "100", "label": ""},
    )
    assert answer.status_code == 403
    assert Client().post(f"/makers/alice/{page}/", {"action": action}).status_code == 302
    assert MakerAddress.objects.filter(maker__slug="alice", until_ms=None).count() == 1
    assert PayoutPlan.objects.filter(maker__slug="alice").count() == 1
