"""Somebody who asks for a maker on the pages, proves its addresses with real keys, and the operator who decides."""

import re
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape
from eth_account.signers.local import LocalAccount

from accounts.eligibility import enrolment_terms
from accounts.models import Enrolment, User
from tests.accounts.people import signed

FIELDS = {
    "name": "Lantern Liquidity", "slug": "lantern", "contact": "desk@lantern.example", "region": "CH",
    "payout_account": "0x" + "5a" * 20, "accepted": "on",
}  # fmt: skip


@dataclass
class Asker:
    """A browser of somebody who asks for a maker."""

    person: User
    client: Client = field(default_factory=Client)
    page: str = ""

    def __post_init__(self) -> None:
        self.client.force_login(self.person)

    def ask(self, **changes: str) -> HttpResponse:
        """Fill in the form of the page."""
        fields = {**FIELDS, "terms_version": enrolment_terms().version, **changes}
        answer = self.client.post("/enrolment/", fields)
        if answer.status_code == 302:
            self.page = answer.url
        return answer

    @property
    def request(self) -> Enrolment:
        """The request as it is stored."""
        return Enrolment.objects.get(pk=int(self.page.strip("/").split("/")[-1]))

    def message(self, address: str, *, page: str = "") -> str:
        """The text that the page gives for an address."""
        answer = self.client.post(page or self.page, {"action": "message", "address": address})
        assert answer.status_code == 200, answer
        return answer.context["panel"].message

    def hand_in(self, text: str, signature: str, *, page: str = "") -> str:
        """Hand a signature in; returns what the page then says."""
        # A browser sends line ends of a text field as CR LF.
        fields = {"action": "prove", "message": text.replace("\n", "\r\n"), "signature": signature}
        return said(self.client.post(page or self.page, fields, follow=True))

    def prove(self, account: LocalAccount, *, page: str = "") -> str:
        """Have an address sign, and hand it in."""
        text = self.message(account.address, page=page)
        return self.hand_in(text, signed(account, text), page=page)

    def do(self, action: str, *, page: str = "", **fields: str) -> str:
        """Press one of the page's buttons; returns what it then says."""
        return said(self.client.post(page or self.page, {"action": action, **fields}, follow=True))


def asker(name: str = "asker") -> Asker:
    """Make somebody who may ask."""
    return Asker(User.objects.create_user(username=name))


def operator(name: str = "olu") -> Client:
    """Make an operator's browser."""
    client = Client()
    client.force_login(User.objects.create_user(username=name, role="operator"))
    return client


def decide(client: Client, page: str, action: str, reason: str = "We know them.") -> str:
    """Decide a request; returns what the page then says."""
    return said(client.post(page, {"action": action, "reason": reason}, follow=True))


def said(answer: HttpResponse) -> str:
    """Return the page's messages as text."""
    found = re.findall(r'<li class="note [^"]*">(.*?)</li>', answer.content.decode(), re.DOTALL)
    return " ".join(found).replace(escape("’"), "’").replace("&#x27;", "'") if found else f"({answer.status_code})"
