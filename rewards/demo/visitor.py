"""The visitor of the sandbox: an account with money, enrolled as a maker, with an API key."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from eth_account import Account

from accounts.api_keys import api_key_make
from accounts.models import User
from accounts.services import maker_enrol, maker_payouts_set
from rewards.demo.chain import LocalChain
from rewards.demo.errors import NotAnAccountError
from rewards.demo.programme import PASSWORD, SET_UP, SLUG

MAKER = "visitor"
MONEY_WEI = 1_000 * 10**18


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """What a bot needs. private_key: empty when the visitor gave an account of its own."""

    url: str
    rpc_url: str
    programme: str
    maker: str
    account: str
    private_key: str
    api_key: str

    def environment(self) -> dict[str, str]:
        """Return it as the environment of the example bot."""
        return {
            "LAMPLIGHT_URL": self.url, "LAMPLIGHT_KEY": self.api_key, "RPC_URL": self.rpc_url,
            "PRIVATE_KEY": self.private_key,
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Write it as JSON, for the eyes of this user alone."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)


def welcome(*, chain: LocalChain, account: str, url: str, rpc_url: str) -> Visitor:
    """Fund and enrol an account (empty: a new one is made) and give its person a key. Raises NotAnAccountError."""
    private_key = ""
    if not account:
        made = Account.create()
        account, private_key = made.address, "0x" + bytes(made.key).hex()
    elif not (account.startswith("0x") and len(account) == 42 and _is_hex(account[2:])):
        raise NotAnAccountError(given=account)
    account = account.lower()
    chain.node.call("anvil_setBalance", account, hex(MONEY_WEI))
    row = maker_enrol(by=SET_UP, slug=MAKER, name="Your bot", addresses=[account], since_ms=0)
    maker_payouts_set(by=SET_UP, maker=row, shares=[(account, 1_000_000)], since_ms=0)
    person = User.objects.create(username=MAKER, role=User.Role.MAKER, password=make_password(PASSWORD))
    row.members.add(person)
    row.admins.add(person)
    _, text = api_key_make(by=person, name="Sandbox", scopes=["read:own"], days=30, now=timezone.now())
    return Visitor(
        url=url, rpc_url=rpc_url, programme=SLUG, maker=MAKER, account=account, private_key=private_key, api_key=text
    )


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in text)
