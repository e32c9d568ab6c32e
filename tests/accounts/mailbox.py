"""Mailboxes and authenticator apps for the sign-in tests: what a person reads and types, worked out on this side."""

import base64
import hashlib
import hmac
import re
import struct
import time
from datetime import UTC, datetime

from django.core import mail
from django.http import HttpResponse
from django.test import Client

CODE = re.compile(r"^    ([A-Z]{4}-[A-Z]{4})$", re.MULTILINE)


class OneStretch:
    """A clock for the throttle that stands within one stretch of counting, however long a test takes.

    Later than any real clock: what is counted by that one throws away what was counted long before.
    """

    @staticmethod
    def now() -> datetime:
        """The same moment at every call."""
        return datetime(2100, 1, 1, 12, 2, tzinfo=UTC)


def newest_code(address: str) -> str:
    """Read the code out of the newest e-mail to the address."""
    message = next(each for each in reversed(mail.outbox) if each.to == [address])
    return CODE.search(message.body)[1]


def subjects_to(address: str) -> list[str]:
    """The subjects of all e-mails to the address, the oldest first."""
    return [each.subject for each in mail.outbox if each.to == [address]]


def wrong(code: str) -> str:
    """A code of the same form that is another one."""
    return code.translate(str.maketrans("BCDF", "CDFB")) if set("BCDF") & set(code) else "BBBB-BBBB"


def ask(client: Client, address: str, **more: str) -> HttpResponse:
    """Ask for a code, as the sign-in page does."""
    return client.post("/sign-in/code/", {"email": address, **more})


def enter(client: Client, code: str, **more: str) -> HttpResponse:
    """Enter a code."""
    return client.post("/sign-in/code/enter/", {"code": code, "action": "verify", **more})


def sign_in(client: Client, address: str) -> HttpResponse:
    """Sign in by e-mail."""
    ask(client, address)
    return enter(client, newest_code(address))


def app_code(secret: str, *, at_s: float | None = None) -> str:
    """The six digits that an app shows, by the text of RFC 6238 (SHA-1, 30 seconds) and not by the library's code."""
    counter = struct.pack(">Q", int((time.time() if at_s is None else at_s) // 30))
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
