"""A programme is opened with what the chain says of its contract and its token, on a real node."""

import pytest
from django.urls import reverse

from accounts.models import User
from onchain.indexer import node
from onchain.models import WatchedContract
from onchain.models_tx import ChainDistributor
from rewards.errors import ProgramRefusedError
from rewards.models import Program
from rewards.services.program_opening import NewProgram, program_open
from tests.rewards.conftest import DELAY_S, GUARDIAN, PROPOSER, TREASURY, House, house

__all__ = ["house"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def treasurer() -> User:
    return User.objects.create_user(username="tess", role="treasurer")


@pytest.fixture
def second(house: House) -> tuple[str, str]:
    """Another distributor and another token, deployed but not registered."""
    token = house.anvil.deploy("reward_token", ("string", "string"), ("Second Lamp", "LMP2"))
    roles = [house.anvil.accounts[number] for number in (TREASURY, PROPOSER, GUARDIAN)]
    kinds = ("address", "address", "address", "address[]", "uint256", "uint256", "address")
    return house.anvil.deploy("rewards_distributor", kinds, (*roles, [], 0, DELAY_S, token)), token


def fields(distributor: str, token: str, **changes: object) -> dict:
    return {
        "slug": "second", "name": "Second", "summary": "", "distributor": distributor, "token": token,
        "calendar": "XLON", "epoch_days": 14, "start_block": 1, **changes,
    }  # fmt: skip


def test_the_chain_says_what_the_token_is_called_and_which_chain_it_is(house, second, treasurer, client):
    client.force_login(treasurer)
    answer = client.post(reverse("treasury-programme-new"), fields(*second))
    assert answer.url == reverse("treasury-programme", args=["second"])
    program = Program.objects.get(slug="second")
    assert (program.token_symbol, program.token_decimals, program.chain_id) == ("LMP2", 18, 31337)
    assert (program.calendar, program.epoch_days) == ("XLON", 14)
    # The indexer reads its contract from here on, and it pays nothing.
    assert WatchedContract.objects.get(address=program.distributor).start_block == 1
    assert ChainDistributor.objects.filter(address=program.distributor).exists()
    assert not program.epochs.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("distributor", "0x" + "12" * 20, "no rewards distributor at this address"),
        ("distributor", "TOKEN", "no rewards distributor at this address"),
        ("distributor", "TAKEN", "pays for another programme already"),
        ("distributor", "0x12", "40 letters and digits"),
        ("token", "0x" + "12" * 20, "no token with a symbol"),
        ("token", "DISTRIBUTOR", "no token with a symbol"),
        ("slug", "perps", "there already"),
        ("slug", "new", "there already"),
        ("calendar", "XMARS", "no such calendar"),
    ],
)
def test_what_is_not_on_the_chain_is_refused_at_its_entry(house, second, treasurer, field, value, words):
    distributor, token = second
    value = {"TOKEN": token, "DISTRIBUTOR": distributor, "TAKEN": house.distributor}.get(value, value)
    client = node()
    try:
        with pytest.raises(ProgramRefusedError, match=words) as raised:
            program_open(client, by=treasurer, new=NewProgram(**(fields(distributor, token) | {field: value})))
    finally:
        client.close()
    assert raised.value.field == field
    assert Program.objects.count() == 1


def test_the_page_says_what_is_wrong_beside_the_entry(house, second, treasurer, client):
    client.force_login(treasurer)
    wrong = fields(second[0], "0x" + "12" * 20, epoch_days=0)
    text = client.post(reverse("treasury-programme-new"), wrong).content.decode()
    assert 'id="id_epoch_days_error"' in text
    text = client.post(reverse("treasury-programme-new"), wrong | {"epoch_days": 7}).content.decode()
    assert text.index('name="token"') < text.index("no token with a symbol") < text.index('name="calendar"')
