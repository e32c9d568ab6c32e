"""Signing in with a wallet over HTTP, and every attack on it that a message, a nonce or a signature allows."""

import re
import socket
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from eth_account.messages import encode_defunct

from accounts.errors import WalletCheckUnavailableError, WrongSignatureError
from accounts.models import SignIn, SignInNonce, User, Wallet
from accounts.signatures import check_signature
from onchain.rpc import Policy, connect
from tests.accounts.people import Browser, follow_chain, key, signed
from tests.chain import calldata
from tests.contracts.world import built

pytestmark = pytest.mark.django_db
PROVIDER, OTHER, THIEF = key(1), key(2), key(3)
YES, NO, REVERTS, SHORT, LONG, DIRTY, OWNER, BURNS, SPINS = range(9)


@pytest.fixture(autouse=True)
def _chain(db):
    follow_chain()


@pytest.fixture
def browser() -> Browser:
    return Browser()


def refused(answer, sentence: str, status: int = 400) -> bool:
    assert answer.status_code == status, answer.content
    assert re.search(sentence, answer.json()["error"]), answer.json()
    return True


# --- what works -----------------------------------------------------------------------------------------------


def test_a_stranger_signs_in_with_a_wallet_and_is_a_provider_from_then_on(browser):
    answer = browser.sign_in(PROVIDER, next="/collect/")
    assert (answer.status_code, answer.json()) == (200, {"next": "/collect/"})
    person = User.objects.get(pk=browser.person)
    assert (person.role, person.wallet, person.has_usable_password()) == ("provider", PROVIDER.address.lower(), False)
    again = Browser()
    again.sign_in(PROVIDER)
    assert again.person == browser.person


def test_the_message_names_the_site_the_page_the_chain_and_ten_minutes(browser):
    lines = browser.message(PROVIDER.address).split("\n")
    assert lines[0] == "http://testserver wants you to sign in with your Ethereum account:"
    assert lines[1] == PROVIDER.address
    assert lines[5:8] == ["URI: http://testserver/sign-in/", "Version: 1", "Chain ID: 31337"]
    times = [timezone.datetime.fromisoformat(line.split(": ", 1)[1]) for line in lines[9:11]]
    assert times[1] - times[0] == timedelta(minutes=10)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_nobody_is_sent_to_another_site_after_signing_in(browser, elsewhere):
    assert browser.sign_in(PROVIDER, next=elsewhere).json() == {"next": "/"}


def test_a_sign_in_ends_the_session_of_whoever_was_there_before(browser):
    browser.sign_in(PROVIDER)
    browser.client.session["secret"] = "of the provider"
    browser.sign_in(OTHER)
    assert User.objects.get(pk=browser.person).wallet == OTHER.address.lower()
    assert "secret" not in browser.client.session


# --- attacks on the message -------------------------------------------------------------------------------------


def forged(browser: Browser, change: str, to: str) -> object:
    text = browser.message(PROVIDER.address)
    assert change in text
    text = text.replace(change, to)
    return browser.submit(text, signed(PROVIDER, text))


@pytest.mark.parametrize(
    ("change", "to", "sentence"),
    [
        ("http://testserver wants", "http://evil.example wants", "the site evil.example; here it is testserver"),
        ("URI: http://testserver/sign-in/", "URI: http://testserver/other/", "the page"),
        ("Chain ID: 31337", "Chain ID: 1", "the chain 1; here it is 31337"),
        ("Sign in to Lamplight.", "Claim your airdrop.", "the purpose"),
        ("Version: 1", "Version: 2", "the version must be 1"),
        ("\nExpiration Time", "\nResources:\n- https://x.example\nExpiration Time", "a resource must be"),
    ],
)
def test_a_message_for_something_else_signs_nobody_in(browser, change, to, sentence):
    assert refused(forged(browser, change, to), sentence)
    assert browser.person is None


def shifted(browser: Browser, *, minutes: int) -> str:
    """A message whose times are later (or earlier) by so much."""
    text = browser.message(PROVIDER.address)
    for label in ("Issued At", "Expiration Time"):
        (found,) = re.findall(rf"{label}: (\S+)", text)
        moment = timezone.datetime.fromisoformat(found) + timedelta(minutes=minutes)
        text = text.replace(f"{label}: {found}", f"{label}: {moment.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    return text


@pytest.mark.parametrize(("minutes", "sentence"), [(-11, "This message expired at"), (2, "which is still to come")])
def test_an_expired_or_a_not_yet_valid_message_signs_nobody_in(browser, minutes, sentence):
    text = shifted(browser, minutes=minutes)
    assert refused(browser.submit(text, signed(PROVIDER, text)), sentence)


def test_a_message_that_never_expires_or_too_late_signs_nobody_in(browser):
    text = re.sub(r"\nExpiration Time: \S+", "", browser.message(PROVIDER.address))
    assert refused(browser.submit(text, signed(PROVIDER, text)), "at most 10 minutes")
    text = re.sub(r"Expiration Time: \d{4}", "Expiration Time: 2999", browser.message(PROVIDER.address))
    assert refused(browser.submit(text, signed(PROVIDER, text)), "at most 10 minutes")


# --- attacks on the nonce ---------------------------------------------------------------------------------------


def test_a_replayed_message_signs_nobody_in(browser):
    text = browser.message(PROVIDER.address)
    signature = signed(PROVIDER, text)
    assert browser.submit(text, signature).status_code == 200
    assert refused(browser.submit(text, signature), "used already")


def test_a_failed_guess_uses_the_nonce_up(browser, anvil):
    text = browser.message(PROVIDER.address)
    assert refused(browser.submit(text, signed(THIEF, text)), "is not that of")
    assert refused(browser.submit(text, signed(PROVIDER, text)), "used already")


def test_a_nonce_that_was_never_given_out_or_has_aged_counts_for_nothing(browser):
    text = re.sub(r"Nonce: \w+", "Nonce: 0123456789abcdef", browser.message(PROVIDER.address))
    assert refused(browser.submit(text, signed(PROVIDER, text)), "used already, or was made")
    text = browser.message(PROVIDER.address)
    SignInNonce.objects.update(expires_at=timezone.now())
    assert refused(browser.submit(text, signed(PROVIDER, text)), "used already, or was made")


def test_a_message_that_was_stolen_on_its_way_is_of_no_use_in_another_browser(browser):
    text = browser.message(PROVIDER.address)
    thief = Browser()
    thief.message(PROVIDER.address)
    assert refused(thief.submit(text, signed(PROVIDER, text)), "another window")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_nonce_at_once_one_signs_in(browser):
    text = browser.message(PROVIDER.address)
    signature, session = signed(PROVIDER, text), browser.client.cookies["sessionid"].value
    together, answers = threading.Barrier(8), []

    def use() -> None:
        client = Client()
        client.cookies["sessionid"] = session
        together.wait()
        answers.append(client.post("/sign-in/wallet/", {"message": text, "signature": signature}).status_code)
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [400] * 7
    assert (SignIn.objects.count(), Wallet.objects.count(), User.objects.count()) == (1, 1, 1)


# --- attacks on the signature -----------------------------------------------------------------------------------


def test_another_address_signature_signs_nobody_in(browser, anvil):
    text = browser.message(PROVIDER.address)
    assert refused(browser.submit(text, signed(THIEF, text)), "another account signed, and no contract is there")
    assert browser.person is None


@pytest.mark.parametrize("signature", ["", "0x", "0xzz", "1234", "0x" + "00" * 8193, "0x" + "é" * 4])
def test_what_is_no_signature_is_refused_in_a_sentence(browser, signature):
    assert refused(browser.submit(browser.message(PROVIDER.address), signature), "signature")


@pytest.mark.parametrize("address", ["", "0x12", "0x" + "zz" * 20, PROVIDER.address + "\n", "vitalik.eth"])
def test_a_message_is_made_for_addresses_only(browser, address):
    answer = browser.client.post("/sign-in/wallet/message/", {"address": address})
    assert refused(answer, "the address must be 0x and 40 hex digits")


@pytest.fixture
def contract(anvil):
    """A contract wallet on the chain; `contract(mode)` sets how it answers."""
    bytecode, _ = built("hostile_wallet")
    sent = anvil.send(data=bytecode)
    anvil.mine()
    address = anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"]

    def answers(mode: int, owner: str = "0x" + "0" * 40) -> str:
        data = calldata("set_mode(uint256,address)", ("uint256", "address"), (mode, owner))
        anvil.send(data=data, to=address)
        anvil.mine()
        return address

    return answers


def test_the_owner_of_a_contract_wallet_signs_in_as_the_contract(browser, contract):
    address = contract(OWNER, OTHER.address)
    text = browser.message(address)
    assert browser.submit(text, signed(OTHER, text)).status_code == 200
    wallet = Wallet.objects.get()
    assert (wallet.address, wallet.is_contract) == (address.lower(), True)


@pytest.mark.parametrize("mode", [NO, REVERTS, SHORT, LONG, DIRTY, OWNER, BURNS, SPINS])
def test_a_contract_wallet_that_says_anything_but_yes_signs_nobody_in(browser, contract, mode):
    text = browser.message(contract(mode, OTHER.address))
    assert refused(browser.submit(text, signed(THIEF, text)), "the contract there does not accept it")


def test_a_contract_is_asked_with_bounded_gas(contract, anvil):
    """The loop would run for hours on the block's gas; the node says what it was allowed."""
    asked = []
    client = connect(urls=[anvil.url], policy=Policy(attempts=1))
    transport = client.providers[0].transport
    post = transport.post
    transport.post = lambda *, body, **rest: (asked.append(body), post(body=body, **rest))[1]
    with pytest.raises(WrongSignatureError):
        check_signature(client, address=contract(SPINS), text="text", signature=b"\x01")
    client.close()
    assert b'"gas":"0xf4240"' in asked[-1]


def test_a_node_that_hangs_is_left_and_the_person_told_to_try_again():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = connect(urls=[url], policy=Policy(timeout_s=0.2, attempts=1))
        with pytest.raises(WalletCheckUnavailableError, match="Try again in a minute") as caught:
            check_signature(client, address=PROVIDER.address, text="text", signature=b"\x01" * 65)
        client.close()
    assert caught.value.retryable


def test_a_key_needs_no_node_to_sign_in(browser, settings):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    assert browser.sign_in(PROVIDER).status_code == 200


def test_a_signature_over_other_bytes_is_none(browser, anvil):
    text = browser.message(PROVIDER.address)
    other = bytes(PROVIDER.sign_message(encode_defunct(text=text.replace("\n", "\r\n"))).signature)
    assert refused(browser.submit(text, "0x" + other.hex()), "is not that of")


def test_somebody_who_is_switched_off_does_not_sign_in(browser):
    browser.sign_in(PROVIDER)
    User.objects.update(is_active=False)
    assert refused(Browser().sign_in(PROVIDER), "switched off")


def test_without_any_chain_the_page_says_that_it_has_to_wait(browser, settings):
    from onchain.models import Cursor

    Cursor.objects.all().delete()
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    answer = browser.client.post("/sign-in/wallet/message/", {"address": PROVIDER.address})
    assert refused(answer, "has to wait", status=503)
