"""Sign-in messages by EIP-4361: writes them, reads them strictly, and checks that one was meant for us and for now.

Pure: the clock and what we expect come in as arguments. The grammar is the EIP's ABNF with RFC 3986 and RFC 3339,
narrower in two ways: the address has its EIP-55 capitals, and dates exist in the calendar.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from eth_utils import is_checksum_address

from accounts import siwe_grammar as grammar
from accounts.errors import (
    MalformedMessageError,
    MessageExpiredError,
    MessageLifetimeError,
    MessageNotYetValidError,
    WrongChainError,
    WrongDomainError,
    WrongStatementError,
    WrongUriError,
)

MAX_CHARS: Final = 4096
MAX_LIFETIME: Final = timedelta(minutes=10)
CLOCK_SKEW: Final = timedelta(seconds=30)
"""How far ahead the clock of another web server may be that issued the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sign-in message. `address` has its EIP-55 capitals; times know their offset."""

    domain: str
    address: str
    uri: str
    chain_id: int
    nonce: str
    issued_at: datetime
    scheme: str | None = None
    statement: str | None = None
    expiration_time: datetime | None = None
    not_before: datetime | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a message must say to be meant for us: the site, the page, the purpose and the chain."""

    domain: str
    scheme: str
    uri: str
    statement: str
    chain_id: int


def write(
    *, expected: Expected, address: str, nonce: str, issued_at: datetime, lifetime: timedelta = MAX_LIFETIME
) -> str:
    """Return the text to sign; it expires `lifetime` after `issued_at` (UTC). `address` has EIP-55 capitals."""
    return "\n".join(
        (
            f"{expected.scheme}://{expected.domain} wants you to sign in with your Ethereum account:",
            address,
            "",
            expected.statement,
            "",
            f"URI: {expected.uri}",
            "Version: 1",
            f"Chain ID: {expected.chain_id}",
            f"Nonce: {nonce}",
            f"Issued At: {_moment(issued_at)}",
            f"Expiration Time: {_moment(issued_at + lifetime)}",
        )
    )


def parse(text: str) -> Message:
    """Read a message; raises MalformedMessageError, which names the part that is wrong."""
    if len(text) > MAX_CHARS or not text.isascii():
        raise MalformedMessageError(where="the message", rule=f"at most {MAX_CHARS} ASCII characters")
    lines = _Lines(text.split("\n"))
    header = grammar.matched(
        grammar.HEADER, lines.next(), where="the first line", rule="the site and the words of EIP-4361"
    )
    domain = grammar.authority(header["domain"])
    address = lines.next()
    if len(address) != 42 or not is_checksum_address(address):
        raise MalformedMessageError(where="the address", rule="0x and 40 hex digits with EIP-55 capitals")
    lines.blank()
    statement = lines.next() or None
    if statement is not None:
        grammar.matched(
            grammar.STATEMENT, statement, where="the statement", rule="one line of the characters that EIP-4361 allows"
        )
        lines.blank()
    uri = grammar.uri(lines.field("URI: "), where="the URI")
    if lines.field("Version: ") != "1":
        raise MalformedMessageError(where="the version", rule="1")
    chain_id = grammar.matched(grammar.CHAIN_ID, lines.field("Chain ID: "), where="the chain id", rule="digits")[0]
    nonce = grammar.matched(
        grammar.NONCE, lines.field("Nonce: "), where="the nonce", rule="8 or more letters and digits"
    )[0]
    message = Message(
        scheme=header["scheme"],
        domain=domain,
        address=address,
        statement=statement,
        uri=uri,
        chain_id=int(chain_id),
        nonce=nonce,
        issued_at=grammar.date_time(lines.field("Issued At: "), where="the issue time"),
        expiration_time=_optional_time(lines, "Expiration Time: "),
        not_before=_optional_time(lines, "Not Before: "),
        request_id=_request_id(lines.optional("Request ID: ")),
        resources=_resources(lines),
    )
    lines.end()
    return message


def check(message: Message, *, expected: Expected, now: datetime, lifetime: timedelta = MAX_LIFETIME) -> None:
    """Raise the typed error of the first thing that makes `message` not ours or not valid at `now`."""
    if message.domain != expected.domain or message.scheme not in (None, expected.scheme):
        raise WrongDomainError(given=message.domain, wanted=expected.domain)
    if message.uri != expected.uri:
        raise WrongUriError(given=message.uri, wanted=expected.uri)
    if message.chain_id != expected.chain_id:
        raise WrongChainError(given=str(message.chain_id), wanted=str(expected.chain_id))
    if message.statement != expected.statement:
        raise WrongStatementError(given=f"“{message.statement or ''}”", wanted=f"“{expected.statement}”")
    _check_times(message, now=now, lifetime=lifetime)


def _check_times(message: Message, *, now: datetime, lifetime: timedelta) -> None:
    expires = message.expiration_time
    if expires is None or expires - message.issued_at > lifetime:
        raise MessageLifetimeError(most_s=int(lifetime.total_seconds()))
    if message.issued_at > now + CLOCK_SKEW:
        raise MessageNotYetValidError(valid_from=message.issued_at.isoformat())
    if message.not_before is not None and message.not_before > now:
        raise MessageNotYetValidError(valid_from=message.not_before.isoformat())
    if expires <= now:
        raise MessageExpiredError(expired_at=expires.isoformat())


class _Lines:
    """The lines of a message, taken one after the other."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._at = lines, 0

    def next(self) -> str:
        if self._at >= len(self._lines):
            raise MalformedMessageError(where="the message", rule="complete")
        self._at += 1
        return self._lines[self._at - 1]

    def blank(self) -> None:
        if self.next() != "":
            raise MalformedMessageError(where=f"line {self._at}", rule="empty")

    def field(self, label: str) -> str:
        line = self.next()
        if not line.startswith(label):
            raise MalformedMessageError(where=f"line {self._at}", rule=f"“{label}” and its value")
        return line[len(label) :]

    def optional(self, label: str) -> str | None:
        if self._at < len(self._lines) and self._lines[self._at].startswith(label):
            return self.field(label)
        return None

    def rest(self) -> list[str]:
        found, self._at = self._lines[self._at :], len(self._lines)
        return found

    def end(self) -> None:
        if self._at < len(self._lines):
            raise MalformedMessageError(where=f"line {self._at + 1}", rule="absent, or in the order of EIP-4361")


def _optional_time(lines: _Lines, label: str) -> datetime | None:
    text = lines.optional(label)
    return None if text is None else grammar.date_time(text, where=f"“{label.strip(': ')}”")


def _request_id(text: str | None) -> str | None:
    if text is not None:
        grammar.matched(grammar.REQUEST_ID, text, where="the request id", rule="characters of a URI's path")
    return text


def _resources(lines: _Lines) -> tuple[str, ...]:
    value = lines.optional("Resources:")
    if value is None:
        return ()
    if value:
        raise MalformedMessageError(where="the line “Resources:”", rule="without a value")
    return tuple(_resource(line) for line in lines.rest())


def _resource(line: str) -> str:
    if not line.startswith("- "):
        raise MalformedMessageError(where="a resource", rule="“- ” and a URI")
    return grammar.uri(line[2:], where="a resource")


def _moment(moment: datetime) -> str:
    return moment.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
