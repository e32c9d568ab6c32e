"""Sign-in messages: the EIP's examples, 200 broken messages against a second reading of the grammar, and each check."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import errors, siwe
from tests.accounts.second_reading import is_message

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
ADDRESS = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
# The first example of EIP-4361; the other two differ in their first line.
EXAMPLE = """example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""
OPTIONAL = """Expiration Time: 2021-09-30T18:30:24.5+02:00
Not Before: 2021-09-30t16:25:24z
Request ID: a%20b
Resources:"""
FULL = EXAMPLE.replace("Resources:", OPTIONAL)
BARE = """[2001:db8::7]:8000 wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2


URI: urn:example:animal
Version: 1
Chain ID: 31337
Nonce: abcdefgh
Issued At: 2024-02-29T23:59:59-11:00"""
EXPECTED = siwe.Expected(
    domain="lamplight.example", scheme="https", uri="https://lamplight.example/sign-in/", statement="Sign in.",
    chain_id=31337,
)  # fmt: skip


@pytest.mark.parametrize(
    ("first", "scheme", "domain"),
    [("example.com", None, "example.com"), ("example.com:3388", None, "example.com:3388"),
     ("https://example.com", "https", "example.com")],
)  # fmt: skip
def test_the_examples_of_the_eip_are_read(first, scheme, domain):
    read = siwe.parse(first + EXAMPLE.removeprefix("example.com"))
    assert (read.scheme, read.domain) == (scheme, domain)
    assert read.statement == "I accept the ExampleOrg Terms of Service: https://example.com/tos"
    assert (read.uri, read.chain_id, read.nonce) == ("https://example.com/login", 1, "32891756")
    assert read.issued_at == datetime(2021, 9, 30, 16, 25, 24, tzinfo=UTC)
    assert read.resources[1] == "https://example.com/my-web2-claim.json"


def test_every_optional_part_is_read_and_may_be_left_out():
    full, bare = siwe.parse(FULL), siwe.parse(BARE)
    assert full.expiration_time == datetime(2021, 9, 30, 16, 30, 24, 500_000, tzinfo=UTC)
    assert (full.not_before, full.request_id) == (full.issued_at, "a%20b")
    assert (bare.statement, bare.expiration_time, bare.resources) == (None, None, ())


def accepted(text: str) -> bool:
    try:
        siwe.parse(text)
    except errors.MalformedMessageError:
        return False
    return True


PIECES = (
    *("\n", " ", "\r", "\t", "é", "%", "%4", "%4a", "[", "]", "::", ":", "@", "/", "//", "?", "#", "-", "0", "9", "Z"),
    *("T", "+00:00", "a", "\\", '"', "<", "https://", "URI: ", "Version: ", "Resources:", "\n- ", "Request ID: "),
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A right message after one to three changes of a kind that attackers and bad wallets make."""
    text = draw(st.sampled_from((EXAMPLE, FULL, BARE)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        lines = text.split("\n")
        i, j = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("insert", "delete", "replace", "drop line", "double line", "swap lines", "case")))
        if kind == "insert":
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
        elif kind == "delete":
            text = text[:at] + text[at + draw(st.integers(1, 4)) :]
        elif kind == "replace":
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + 1 :]
        elif kind == "case":
            text = text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        else:
            lines[i : i + 1] = {"drop line": [], "double line": [lines[i]] * 2, "swap lines": [lines[j]]}[kind]
            text = "\n".join(lines)
    return text  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(broken())
def test_a_changed_message_is_read_where_the_grammar_of_the_eip_reads_it_and_nowhere_else(text):
    assert accepted(text) == is_message(text)


@pytest.mark.parametrize("text", [EXAMPLE, FULL, BARE])
def test_both_readings_take_the_right_messages(text):
    assert accepted(text)
    assert is_message(text)


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE + "\n",
        EXAMPLE.replace("\n", "\r\n"),
        EXAMPLE.replace(ADDRESS, ADDRESS.lower()),
        EXAMPLE.replace("Version: 1", "Version: 2"),
        EXAMPLE.replace("Nonce: 32891756", "Nonce: 3289175"),
        EXAMPLE.replace("Chain ID: 1", "Chain ID: 0x1"),
        EXAMPLE.replace("2021-09-30", "2021-02-30"),
        EXAMPLE.replace("Issued At: 2021-09-30T16:25:24Z", "Issued At: 2021-09-30 16:25:24"),
        EXAMPLE.replace("I accept", "I\naccept"),
        EXAMPLE.replace("https://example.com/login", "/login"),
        EXAMPLE.replace("Resources:", "Resources: "),
        "a" * (siwe.MAX_CHARS + 1),
        "",
    ],
)
def test_what_is_no_message_is_refused_by_both_readings(text):
    assert not accepted(text)
    assert not is_message(text)


def test_a_refusal_names_the_part_and_what_it_must_be():
    with pytest.raises(errors.MalformedMessageError, match=r"the nonce must be 8 or more letters and digits\. Ask"):
        siwe.parse(EXAMPLE.replace("32891756", "abc"))


@pytest.fixture
def message() -> siwe.Message:
    """What we write ourselves, read again."""
    return siwe.parse(siwe.write(expected=EXPECTED, address=ADDRESS, nonce="0123456789abcdef", issued_at=NOW))


def test_what_we_write_is_a_message_and_is_ours(message):
    text = siwe.write(expected=EXPECTED, address=ADDRESS, nonce="0123456789abcdef", issued_at=NOW)
    assert is_message(text)
    siwe.check(message, expected=EXPECTED, now=NOW + timedelta(minutes=9, seconds=59))


def later(**time: int) -> datetime:
    return NOW + timedelta(**time)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"domain": "1amplight.example"}, errors.WrongDomainError, "the site 1amplight.example; here it is lamplight"),
        ({"domain": "lamplight.example:81"}, errors.WrongDomainError, "the site"),
        ({"domain": "me@lamplight.example"}, errors.WrongDomainError, "the site"),
        ({"scheme": "http"}, errors.WrongDomainError, "the site"),
        ({"uri": "https://lamplight.example/"}, errors.WrongUriError, "the page"),
        ({"chain_id": 1}, errors.WrongChainError, "the chain 1; here it is 31337"),
        ({"statement": "Link this wallet."}, errors.WrongStatementError, "the purpose"),
        ({"statement": None}, errors.WrongStatementError, "the purpose"),
        ({"expiration_time": None}, errors.MessageLifetimeError, "at most 10 minutes"),
        ({"expiration_time": later(minutes=10, seconds=1)}, errors.MessageLifetimeError, "at most 10 minutes"),
        ({"issued_at": later(seconds=31)}, errors.MessageNotYetValidError, "still to come"),
        ({"not_before": later(seconds=1)}, errors.MessageNotYetValidError, "still to come"),
        ({"expiration_time": NOW}, errors.MessageExpiredError, "expired at 2026-11-28T12:00:00"),
        ({"issued_at": later(hours=-1), "expiration_time": later(minutes=-51)}, errors.MessageExpiredError, "expired"),
    ],
)
def test_a_message_that_is_not_ours_or_not_for_now_is_refused_with_the_reason(message, change, error, says):
    with pytest.raises(error, match=says):
        siwe.check(replace(message, **change), expected=EXPECTED, now=NOW)
