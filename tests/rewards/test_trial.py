"""`manage.py score_trial`: the same scorer on the chain's own events, for makers and terms that nothing is paid by."""

import json

import pytest
from django.core.management import CommandError, call_command

from onchain.indexer import follow, node
from onchain.services import market_register
from rewards.models import Epoch, Program
from tests.engine.reference import score_reference

pytestmark = pytest.mark.django_db
MAKER, TAKER = "0x" + "a1" * 20, "0x" + "b2" * 20
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
START_S = 1_790_086_800  # a Tuesday in September, 10:20 in New York
EVERY = dict.fromkeys(KINDS, 100)
MARKET = {
    "weight_bps": 10_000, "quoting_share_bps": 10_000, "fills_share_bps": 0, "stress_share_bps": 0,
    "min_order_lots": 1, "min_rest_ms": 0, "reference_depth_lots": 1, "presence_lots": 1, "target_lots": 10,
    "max_spread_bps": EVERY, "clamp_bps": EVERY, "min_uptime_bps": dict.fromkeys(KINDS, 0),
    "curve": {"kind": "linear"}, "two_sided_divisor": 0, "max_share_bps": 10_000,
}  # fmt: skip
TERMS = {
    "version": 1, "program": "trial", "token": "0x" + "7" * 40, "budget": "1000", "min_payout": "0",
    "unspent": "return", "boosts": EVERY, "markets": {"AAPL-PERP": MARKET},
}  # fmt: skip
FROM, TO = "2026-09-22T14:20:00Z", "2026-09-22T14:21:40Z"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "terms.json").write_text(json.dumps(TERMS))
    (tmp_path / "makers.csv").write_text(f"address,maker\n{MAKER},moss\n")
    return tmp_path


@pytest.fixture
def quoted(exchange):
    """Moss quotes half of a hundred seconds, as much as the target on both sides, half-way to the end of the band."""
    market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="1", base_symbol="AAPL",
    )  # fmt: skip
    exchange.place(1, owner=MAKER, side="bid", price=9_950, size=10)
    exchange.place(2, owner=MAKER, side="ask", price=10_050, size=10)
    exchange.submit(time_s=START_S)
    exchange.cancel(1)
    exchange.submit(time_s=START_S + 50)
    for second in range(100, 106):
        exchange.anvil.mine(time_s=START_S + second)
    client = node()
    follow(client)
    client.close()


def trial(folder, *more):
    call_command("score_trial", folder / "terms.json", folder / "makers.csv", "--from", FROM, *more)


def test_makers_are_scored_from_the_chain_and_nothing_is_stored(quoted, folder, capsys):
    trial(folder, "--to", TO, "--out", str(folder / "out"))
    # Ten lots of a target of ten, 100 half-ticks of a band of 200 away: half of the rate, for half of the time.
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["moss", "AAPL-PERP", "50.00%", "25.00%", "250", "0", "0", "250"]
    assert not Program.objects.exists()
    assert not Epoch.objects.exists()


def test_the_bundle_that_is_left_gives_a_second_implementation_the_same_pay(quoted, folder, capsys):
    trial(folder, "--to", TO, "--out", str(folder / "out"))
    assert score_reference(folder / "out")["paid"] == {"moss": "250"}


def test_without_an_end_it_goes_as_far_as_the_chain_is_final(quoted, folder, capsys):
    trial(folder)
    assert "moss" in capsys.readouterr().out


def test_makers_whose_addresses_place_nothing_are_told_so(quoted, folder, capsys):
    (folder / "makers.csv").write_text(f"address,maker\n{TAKER},moss\n")
    trial(folder, "--to", TO)
    assert "No quote of these makers counted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--to", "2026-09-22T14:00:00Z"], "ends before it begins"),
        (["--to", "2026-09-22T16:00:00Z"], "waits for the chain to be final past its end"),
        (["--to", "soon"], "--to takes a time such as"),
        (["--to", "2026-09-22T14:21:40"], "say the zone as well"),
        (["--to", TO, "--calendar", "XXXX"], "XXXX"),
    ],
)
def test_what_is_in_the_way_is_one_sentence(quoted, folder, more, said):
    with pytest.raises(CommandError, match=said):
        trial(folder, *more)


def test_terms_that_bring_an_epoch_of_their_own_are_refused(folder):
    (folder / "terms.json").write_text(json.dumps(TERMS | {"epoch": {"number": 1}}))
    with pytest.raises(CommandError, match="the trial's own span takes its place"):
        trial(folder, "--to", TO)


def test_a_file_that_is_not_there_is_named(quoted, folder):
    (folder / "makers.csv").unlink()
    with pytest.raises(CommandError, match=r"makers\.csv"):
        trial(folder, "--to", TO)
