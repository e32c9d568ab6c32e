"""A maker comes in: asking, proof of each address, review by somebody else; and every attack on the proof."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import eligibility
from accounts.errors import AddressTakenError, OwnEnrolmentError
from accounts.models import Enrolment, Maker, MakerAddress, QuotingProof, SanctionedAddress, SanctionsList, User, Wallet
from accounts.services import address_attach
from onchain.models import Cursor
from rewards.services.makers import enrolment_accept
from tests.accounts.enrolling import Asker, asker, decide, operator
from tests.accounts.people import follow_chain, key, signed
from tests.chain import calldata
from tests.contracts.world import built

pytestmark = pytest.mark.django_db
QUOTER, SECOND, THIEF = key(11), key(12), key(13)
NOW_MS = 1_790_000_000_000


@pytest.fixture(autouse=True)
def _chain(db):
    follow_chain()


@pytest.fixture
def lantern() -> Asker:
    """Somebody whose request waits, with no address yet."""
    person = asker()
    person.ask()
    return person


def list_address(address: str) -> None:
    row = SanctionsList.objects.create(
        sha256="0" * 64, source="A list", as_of="2026-11-01", since_ms=NOW_MS, loaded_by="olu"
    )
    SanctionedAddress.objects.create(list=row, address=address, name="Somebody")


# --- asking -----------------------------------------------------------------------------------------------------


def test_a_request_keeps_the_exact_terms_that_were_accepted(lantern):
    kept = lantern.request
    assert "Crimea (UA-43)" in kept.terms_text
    assert kept.terms_text.startswith("I ask for this maker with the right to act for it.")
    assert (kept.slug, kept.region, kept.asked_by, kept.state) == ("lantern", "CH", lantern.person, "open")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accepted": ""}, "needs your yes to the terms"),
        ({"terms_version": "2020-01"}, "accept them as they are now"),
        ({"region": "IR"}, "Choose a country of the list"),
        ({"region": ""}, "Choose a country"),
        ({"slug": "Lantern!"}, "small letters, digits and single hyphens"),
        ({"payout_account": "0x12"}, "An address is 0x"),
        ({"payout_account": "0x" + "0" * 40}, "Name the account that is to be paid"),
        ({"payout_account": "0x098b716b8aaf21512996dc57eb0615e2383e2f96"}, "is on a sanctions list"),
        ({"name": "", "contact": ""}, "Say its name"),
        ({"name": "Lantern\nBcc: everybody@lantern.example"}, "in one line of visible letters"),
        ({"name": "Lantern \u202egnidarT"}, "in one line of visible letters"),
    ],
)
def test_a_request_that_lacks_something_is_answered_at_its_field(changes, sentence):
    answer = asker().ask(**changes)
    assert (answer.status_code, Enrolment.objects.count()) == (200, 0)
    assert sentence in answer.content.decode()


def test_one_person_has_one_open_request_and_an_id_is_asked_for_once(lantern):
    assert "Withdraw it first" in lantern.ask(slug="other").content.decode()
    assert "The id lantern is taken" in asker("rival").ask().content.decode()
    Maker.objects.create(slug="meridian", name="Meridian")
    assert "The id meridian is taken" in asker("third").ask(slug="meridian").content.decode()


def test_a_withdrawn_request_changes_no_more_and_its_addresses_are_free(lantern):
    lantern.prove(QUOTER)
    assert "is withdrawn" in lantern.do("withdraw")
    assert "This request is closed (withdrawn)" in lantern.do("withdraw")
    assert "This request is closed" in lantern.prove(SECOND)
    rival = asker("rival")
    rival.ask()
    assert "is proven" in rival.prove(QUOTER)


# --- proof ------------------------------------------------------------------------------------------------------


def test_the_text_names_maker_site_page_chain_and_a_day(lantern):
    lines = lantern.message(QUOTER.address).split("\n")
    assert lines[1] == QUOTER.address
    assert lines[3] == "This address quotes for the maker lantern at Lamplight. It signs nobody in and moves no money."
    assert lines[5:8] == [f"URI: http://testserver{lantern.page}", "Version: 1", "Chain ID: 31337"]
    times = [timezone.datetime.fromisoformat(line.split(": ", 1)[1]) for line in lines[9:11]]
    assert times[1] - times[0] == timedelta(days=1)


def test_an_address_other_than_the_one_signed_in_is_proven_and_its_text_kept(lantern):
    assert "is proven" in lantern.prove(QUOTER)
    kept = QuotingProof.objects.get()
    assert (kept.address, kept.is_contract, kept.proven_by) == (QUOTER.address.lower(), False, "asker")
    assert kept.signature == signed(QUOTER, kept.text)


def test_a_signature_that_was_cut_short_can_be_handed_in_again(lantern, settings):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    text = lantern.message(QUOTER.address)
    assert "did not answer" in lantern.hand_in(text, signed(QUOTER, text)[:-2])
    assert "is proven" in lantern.hand_in(text, signed(QUOTER, text) + "\n")


def refused(lantern: Asker, text: str, sentence: str, *, by: object = QUOTER) -> None:
    told = lantern.hand_in(text, signed(by, text))
    assert re.search(sentence, told), told
    assert not QuotingProof.objects.exists()


def test_a_replayed_signature_proves_nothing_again(lantern):
    text = lantern.message(QUOTER.address)
    lantern.hand_in(text, signed(QUOTER, text))
    lantern.do("drop", address=QUOTER.address.lower())
    assert "used already" in lantern.hand_in(text, signed(QUOTER, text))
    assert not QuotingProof.objects.filter(is_claim=True).exists()


def test_a_signature_for_another_maker_proves_nothing(lantern):
    rival = asker("rival")
    rival.ask(slug="rival")
    refused(lantern, rival.message(QUOTER.address), f"the page http://testserver{rival.page}")
    # Nor when its text is turned to this page.
    text = rival.message(QUOTER.address).replace(rival.page, lantern.page)
    refused(lantern, text, "the purpose")
    refused(lantern, text.replace("maker rival", "maker lantern"), "used already, or was made for another")


@pytest.mark.parametrize(
    ("change", "to", "sentence"),
    [
        ("Chain ID: 31337", "Chain ID: 1", "the chain 1; here it is 31337"),
        ("http://testserver wants", "http://evil.example wants", "the site evil.example"),
        ("It signs nobody in and moves no money.", "", "the purpose|the statement"),
        (QUOTER.address, SECOND.address, "used already, or was made for another"),
    ],
)
def test_a_text_for_another_chain_site_purpose_or_address_proves_nothing(lantern, change, to, sentence):
    text = lantern.message(QUOTER.address)
    assert change in text
    refused(lantern, text.replace(change, to), sentence, by=SECOND if to == SECOND.address else QUOTER)


@pytest.mark.parametrize(("hours", "sentence"), [(-25, "This message expired at"), (2, "which is still to come")])
def test_an_expired_or_not_yet_valid_text_proves_nothing(lantern, hours, sentence):
    text = lantern.message(QUOTER.address)
    for label in ("Issued At", "Expiration Time"):
        (found,) = re.findall(rf"{label}: (\S+)", text)
        moment = timezone.datetime.fromisoformat(found) + timedelta(hours=hours)
        text = text.replace(f"{label}: {found}", f"{label}: {moment.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    refused(lantern, text, sentence)


def test_an_address_is_not_stolen_by_anothers_signature(lantern, anvil):
    refused(lantern, lantern.message(QUOTER.address), "another account signed, and no contract is there", by=THIEF)


def test_a_sign_in_is_no_proof_and_a_proof_no_sign_in(lantern):
    text = Client().post("/sign-in/wallet/message/", {"address": QUOTER.address}).json()["message"]
    refused(lantern, text, "the page")
    proof = lantern.message(QUOTER.address)
    answer = Client().post("/sign-in/wallet/", {"message": proof, "signature": signed(QUOTER, proof)})
    assert answer.status_code == 400
    assert not Wallet.objects.exists()


def test_a_text_that_was_made_for_one_person_is_of_no_use_to_another(lantern):
    text = lantern.message(QUOTER.address)
    thief = Asker(User.objects.create_user(username="thief"), page=lantern.page)
    answer = thief.client.post(lantern.page, {"action": "prove", "message": text, "signature": signed(QUOTER, text)})
    assert answer.status_code == 403


def test_a_contract_wallet_vouches_for_itself(lantern, anvil):
    bytecode, _ = built("hostile_wallet")
    sent = anvil.send(data=bytecode)
    anvil.mine()
    address = anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"]
    owned = calldata("set_mode(uint256,address)", ("uint256", "address"), (6, QUOTER.address))
    anvil.send(data=owned, to=address)
    anvil.mine()
    text = lantern.message(address)
    assert "the contract there does not accept it" in lantern.hand_in(text, signed(THIEF, text))
    assert "is proven" in lantern.hand_in(text, signed(QUOTER, text))
    assert QuotingProof.objects.get().is_contract


def test_a_listed_address_is_refused_with_the_list_that_names_it(lantern):
    list_address(QUOTER.address.lower())
    assert "is on a sanctions list (A list, 2026-11-01): Somebody" in lantern.prove(QUOTER)


# --- an address belongs to one maker ----------------------------------------------------------------------------


def test_an_address_of_a_maker_or_of_another_request_is_taken(lantern):
    maker = Maker.objects.create(slug="meridian", name="Meridian")
    address_attach(maker=maker, address=QUOTER.address, since_ms=0)
    assert "quotes for the maker Meridian already" in lantern.prove(QUOTER)
    lantern.prove(SECOND)
    rival = asker("rival")
    rival.ask(slug="rival")
    assert "a request that waits for review" in rival.prove(SECOND)


def test_an_address_that_left_a_maker_is_free_from_then_on_and_not_before():
    first, second = (Maker.objects.create(slug=slug, name=slug) for slug in ("first", "second"))
    row = address_attach(maker=first, address=QUOTER.address, since_ms=0)
    row.until_ms = NOW_MS
    row.save()
    with pytest.raises(AddressTakenError, match="quotes for the maker first"):
        address_attach(maker=second, address=QUOTER.address, since_ms=NOW_MS - 1)
    assert address_attach(maker=second, address=QUOTER.address, since_ms=NOW_MS).maker == second


@pytest.mark.django_db(transaction=True)
def test_of_two_makers_that_take_an_address_at_once_one_has_it():
    makers = [Maker.objects.create(slug=slug, name=slug) for slug in ("first", "second")]
    together, outcomes = threading.Barrier(2), []

    def take(maker: Maker) -> None:
        together.wait()
        try:
            address_attach(maker=maker, address=QUOTER.address, since_ms=0)
            outcomes.append("has it")
        except AddressTakenError:
            outcomes.append("is told that it is taken")
        connections.close_all()

    threads = [threading.Thread(target=take, args=(maker,)) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["has it", "is told that it is taken"]
    assert MakerAddress.objects.count() == 1


# --- review -----------------------------------------------------------------------------------------------------


def test_an_operator_accepts_and_who_asked_is_the_makers_admin(lantern):
    lantern.prove(QUOTER)
    olu = operator()
    assert "Lantern Liquidity is enrolled" in decide(olu, lantern.page, "accept")
    maker = Maker.objects.get()
    assert list(maker.admins.all()) == [lantern.person]
    assert (lantern.request.decided_by, lantern.request.reason, lantern.request.maker) == (
        "olu",
        "We know them.",
        maker,
    )
    page = lantern.client.get("/makers/lantern/wallets/").content.decode()
    assert QUOTER.address.lower() in page
    assert "olu" in page
    assert "We know them." in page
    assert "This request is closed (accepted)" in decide(olu, lantern.page, "refuse")


def test_a_request_without_an_address_or_without_a_reason_is_not_accepted(lantern):
    olu = operator()
    assert "No quoting address has been proven yet" in decide(olu, lantern.page, "accept")
    lantern.prove(QUOTER)
    assert "Say why" in decide(olu, lantern.page, "accept", reason=" ")
    assert "Say why" in decide(olu, lantern.page, "refuse", reason="")
    assert not Maker.objects.exists()


def test_what_became_ineligible_since_it_was_proven_is_not_accepted(lantern):
    lantern.prove(QUOTER)
    list_address(QUOTER.address.lower())
    olu = operator()
    assert "is on a sanctions list" in decide(olu, lantern.page, "accept")
    assert "Can’t be accepted yet" in olu.get("/treasury/makers/").content.decode()
    assert not Maker.objects.exists()


def test_a_country_that_was_excluded_meanwhile_is_not_accepted(lantern, monkeypatch):
    lantern.prove(QUOTER)
    now = eligibility.excluded_regions()
    later = eligibility.Regions(source=now.source, as_of=now.as_of, regions={**now.regions, "CH": "Switzerland"})
    monkeypatch.setattr(eligibility, "excluded_regions", lambda: later)
    assert "Switzerland is excluded" in decide(operator(), lantern.page, "accept")


def test_who_asked_does_not_accept_even_as_an_operator(lantern):
    lantern.prove(QUOTER)
    User.objects.filter(pk=lantern.person.pk).update(role="operator")
    assert "Another operator has to decide" in decide(lantern.client, lantern.page, "accept")
    assert not Maker.objects.exists()


def test_an_operator_with_an_address_of_the_maker_does_not_accept(lantern):
    lantern.prove(QUOTER)
    olu = User.objects.create_user(username="olu", role="operator")
    Wallet.objects.create(address=QUOTER.address, owner=olu, is_contract=False)
    with pytest.raises(OwnEnrolmentError):
        enrolment_accept(by=olu, enrolment=lantern.request, reason="Mine.", now_ms=NOW_MS)


def test_a_refusal_is_read_by_who_asked(lantern):
    assert "The request is refused" in decide(operator(), lantern.page, "refuse", reason="We can't reach you.")
    page = lantern.client.get(lantern.page).content.decode()
    assert "We can&#x27;t reach you." in page


@pytest.mark.parametrize("action", ["message", "prove", "drop", "withdraw", "accept", "refuse"])
def test_nobody_else_touches_a_request(lantern, action):
    lantern.prove(QUOTER)
    stranger = asker("stranger")
    auditor = Asker(User.objects.create_user(username="auditor", role="auditor"))
    for person in (stranger, auditor):
        answer = person.client.post(lantern.page, {"action": action, "address": QUOTER.address, "reason": "x"})
        assert answer.status_code == 403
    kept = lantern.request
    assert (kept.state, kept.proofs.filter(is_claim=True).count()) == ("open", 1)


def test_without_any_chain_the_page_says_that_it_has_to_wait(lantern, settings):
    Cursor.objects.all().delete()
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    assert "has to wait" in lantern.do("message", address=QUOTER.address)
