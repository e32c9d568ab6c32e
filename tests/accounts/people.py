"""Wallets and browsers for the sign-in tests: keys that sign by eth-account, and a client like the page."""

from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from onchain.models import Cursor

CHAIN_ID = 31337
HOST = "testserver"


def follow_chain() -> None:
    """Say that the embedded chain is indexed, so that messages name it."""
    Cursor.objects.create(
        chain_id=CHAIN_ID, first_block=1, block_number=1, block_hash="0x" + "11" * 32, verified_block=1, final_block=1,
        head_number=1,
    )  # fmt: skip


def key(number: int) -> LocalAccount:
    """Return one of the tests' keys."""
    return Account.from_key(number.to_bytes(32, "big"))


def signed(account: LocalAccount, text: str) -> str:
    """Sign as a wallet's personal_sign does; 0x hex."""
    return "0x" + bytes(account.sign_message(encode_defunct(text=text)).signature).hex()


@dataclass
class Browser:
    """A browser that signs in with wallets."""

    client: Client = field(default_factory=Client)

    def message(self, address: str, *, link: bool = False) -> str:
        """The text that the server wants signed."""
        path = "/account/wallets/message/" if link else "/sign-in/wallet/message/"
        answer = self.client.post(path, {"address": address})
        assert answer.status_code == 200, answer.content
        return answer.json()["message"]

    def submit(self, text: str, signature: str, *, link: bool = False, **more: str) -> HttpResponse:
        """Hand a signed text in."""
        path = "/account/wallets/" if link else "/sign-in/wallet/"
        return self.client.post(path, {"message": text, "signature": signature, **more})

    def sign_in(self, account: LocalAccount, **more: str) -> HttpResponse:
        """Sign in as the page does."""
        text = self.message(account.address)
        return self.submit(text, signed(account, text), **more)

    def link(self, account: LocalAccount) -> HttpResponse:
        """Link a wallet as the page does."""
        text = self.message(account.address, link=True)
        return self.submit(text, signed(account, text), link=True)

    @property
    def person(self) -> str | None:
        """Who is signed in, by the session's own record."""
        return self.client.session.get("_auth_user_id")
