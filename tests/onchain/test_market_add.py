"""`manage.py market_add`: a market of a market file is read, or one sentence says why not."""

import pytest
from django.core.management import CommandError, call_command

from onchain.models import Market, WatchedContract

pytestmark = pytest.mark.django_db
FILE = """
name = "AAPL-PERP"
adapter = "lamplight"
address = "{address}"
start_block = 3
tick_raw = "1"
lot_raw = "1"
tick_size = "0.01"
lot_size = "1"
base_symbol = "AAPL"

[lamplight]
market_id = 1
"""
NOWHERE = "0x" + "9" * 40


@pytest.fixture
def file(tmp_path):
    def write(text: str):
        path = tmp_path / "market.toml"
        path.write_text(text)
        return path

    return write


def test_a_market_is_read_from_its_contract_and_twice_is_the_same_as_once(exchange, file):
    path = file(FILE.format(address=exchange.address))
    call_command("market_add", path, verbosity=0)
    call_command("market_add", path, verbosity=0)
    [market] = Market.objects.all()
    assert (market.address, market.start_block, market.tick_size) == (exchange.address, 3, "0.01")
    assert market.config == {"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}}
    assert WatchedContract.objects.get().start_block == 3


def test_a_file_that_is_only_checked_adds_nothing_and_asks_no_node(file, settings, capsys):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    call_command("market_add", file(FILE.format(address=NOWHERE)), "--check")
    assert "Nothing was added" in capsys.readouterr().out
    assert not Market.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("", ""), f"There is no contract at {NOWHERE} on chain 31337, which RPC_URLS leads to."),
        (('tick_size = "0.01"\n', ""), "tick_size: it is missing; pages show prices and sizes by it."),
        (('lot_size = "1"', 'lot_size = "none"'), "lot_size: none is no decimal number above 0."),
        (('lot_size = "1"', 'lot_size = "0"'), "lot_size: 0 is no decimal number above 0."),
        (
            ('tick_raw = "1"', 'tick_raw = "0"'),
            "tick_raw: the exchange counts in ticks and lots itself, so it must be 1.",
        ),
        (("market_id", "market"), "lamplight.market: no such key is known; there are market_id."),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_its_key(anvil, file, change, said):
    with pytest.raises(CommandError) as refused:
        call_command("market_add", file(FILE.format(address=NOWHERE).replace(*change)))
    assert str(refused.value) == said
    assert not Market.objects.exists()


def test_a_registered_market_is_not_changed_by_another_file(exchange, file):
    call_command("market_add", file(FILE.format(address=exchange.address)), verbosity=0)
    with pytest.raises(CommandError, match=r"registered with start_block 3, not 2. Register the changed market under"):
        call_command("market_add", file(FILE.format(address=exchange.address).replace("block = 3", "block = 2")))
