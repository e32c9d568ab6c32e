"""The pieces of EIP-4361's grammar: characters and URIs by RFC 3986, times by RFC 3339; each read whole or refused."""

import re
from datetime import datetime
from ipaddress import AddressValueError, IPv6Address

from accounts.errors import MalformedMessageError

_UNRESERVED = r"A-Za-z0-9\-._~"
_SUB_DELIMS = r"!$&'()*+,;="
_PERCENT = r"%[0-9A-Fa-f]{2}"
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*"
_PCHAR = rf"(?:[{_UNRESERVED}{_SUB_DELIMS}:@]|{_PERCENT})"
_FUTURE_IP = rf"v[0-9A-Fa-f]+\.[{_UNRESERVED}{_SUB_DELIMS}:]+"
_AUTHORITY = (
    rf"(?:(?:[{_UNRESERVED}{_SUB_DELIMS}:]|{_PERCENT})*@)?"
    rf"(?:\[(?:(?P<ipv6>[0-9A-Fa-f:.]+)|{_FUTURE_IP})\]|(?:[{_UNRESERVED}{_SUB_DELIMS}]|{_PERCENT})*)"
    r"(?::[0-9]*)?"
)
_SEGMENTS = rf"(?:/{_PCHAR}*)*"
_AUTHORITY_TEXT = re.compile(_AUTHORITY)
_URI_TEXT = re.compile(
    rf"{_SCHEME}:(?://{_AUTHORITY}{_SEGMENTS}|/?{_PCHAR}+{_SEGMENTS}|/?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
HEADER = re.compile(rf"(?:(?P<scheme>{_SCHEME})://)?(?P<domain>[^ ]*) wants you to sign in with your Ethereum account:")
STATEMENT = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}:/?#\[\]@ ]+")
NONCE = re.compile(r"[A-Za-z0-9]{8,}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
REQUEST_ID = re.compile(f"{_PCHAR}*")
CHAIN_ID = re.compile(r"[0-9]+")


def matched(pattern: re.Pattern[str], text: str, *, where: str, rule: str) -> re.Match[str]:
    """Return the match of all of `text`; raises MalformedMessageError of `where` and `rule`."""
    found = pattern.fullmatch(text)
    if found is None:
        raise MalformedMessageError(where=where, rule=rule)
    return found


def authority(text: str) -> str:
    """Return `text` if it is a URI's authority; raises MalformedMessageError."""
    rule = "the authority of a URI (RFC 3986)"
    _check_ipv6(matched(_AUTHORITY_TEXT, text, where="the site", rule=rule), where="the site", rule=rule)
    return text


def uri(text: str, *, where: str) -> str:
    """Return `text` if it is a URI with its scheme; raises MalformedMessageError of `where`."""
    rule = "a URI (RFC 3986)"
    _check_ipv6(matched(_URI_TEXT, text, where=where, rule=rule), where=where, rule=rule)
    return text


def _check_ipv6(found: re.Match[str], *, where: str, rule: str) -> None:
    if found["ipv6"] is None:
        return
    try:
        IPv6Address(found["ipv6"])
    except AddressValueError as error:
        raise MalformedMessageError(where=where, rule=rule) from error


def date_time(text: str, *, where: str) -> datetime:
    """Return the moment that an RFC 3339 text says; raises MalformedMessageError of `where`."""
    rule = "a date and time of RFC 3339"
    matched(_DATE_TIME, text, where=where, rule=rule)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise MalformedMessageError(where=where, rule=rule) from error
