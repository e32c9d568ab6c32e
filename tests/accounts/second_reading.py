"""A second reading of sign-in messages: the EIP's own ABNF, run by a parser of ABNF, with RFC 3986 and RFC 3339.

The EIP's rule `uri = URI` is left out of eip4361.abnf: ABNF's names know no case, so it would define itself.
"""

import re
from datetime import datetime
from pathlib import Path

from abnf import ParseError, Rule
from abnf.grammars import rfc3339, rfc3986
from abnf.grammars.misc import load_grammar_rules
from eth_utils import to_checksum_address

GRAMMAR = (Path(__file__).parent / "eip4361.abnf").read_text()
IMPORTED = [
    *((name, rfc3986.Rule(name)) for name in ("scheme", "authority", "URI", "reserved", "unreserved", "pchar")),
    ("date-time", rfc3339.Rule("date-time")),
]


@load_grammar_rules(IMPORTED)
class Siwe(Rule):
    """The rules of EIP-4361."""

    grammar = [rule.replace("\n    ", " ") for rule in re.findall(r"^\S.*(?:\n .*)*", GRAMMAR, re.MULTILINE)]


def is_message(text: str) -> bool:
    """Whether the grammar takes `text`, its address has EIP-55 capitals, and its dates are in the calendar."""
    try:
        Siwe("sign-in-with-ethereum").parse_all(text)
    except ParseError:
        return False
    address = text.split("\n")[1]
    return address == to_checksum_address(address) and all(_is_date(text) for text in _dates(text))


def _dates(text: str) -> list[str]:
    return re.findall(r"^(?:Issued At|Expiration Time|Not Before): (.*)$", text, re.MULTILINE)


def _is_date(text: str) -> bool:
    moment, offset = re.fullmatch(r"(.{19})(?:\.[0-9]+)?(.*)", text.upper()).groups()
    try:
        datetime.strptime(moment + offset, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return False
    return True
