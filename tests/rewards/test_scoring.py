"""From quotes on a real chain to an epoch's evidence and rows, and to the same root by the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.services import maker_enrol, maker_payouts_set
from onchain.indexer import follow, node
from onchain.services import market_register
from rewards.errors import EpochConflictError, NotYetError
from rewards.models import Allocation, Entitlement, Epoch, LiveStanding, Score
from rewards.services.live import live_score
from rewards.services.programs import epoch_schedule, epochs_begin, program_create
from rewards.services.scoring import epoch_score
from tests.operators import OPERATOR

pytestmark = pytest.mark.django_db
TOKEN = "0x" + "7" * 40
DISTRIBUTOR = "0x" + "d" * 40
ALICE, BOB, STRANGER = ("0x" + digit * 40 for digit in "abc")
ALICE_PAY, ALICE_LP, BOB_PAY = ("0x" + digit * 40 for digit in "123")
# Wednesday 2026-11-18, 14:00 UTC: 09:00 in New York, half an hour before the open.
START_S = 1_795_010_400
HOUR_S = 3600
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")


def terms_of(*, number: int, start_s: int, end_s: int, **changes) -> bytes:
    every = lambda value: dict.fromkeys(KINDS, value)  # noqa: E731 - a table of six equal values
    market = {
        "weight_bps": 10_000, "quoting_share_bps": 10_000, "fills_share_bps": 0, "stress_share_bps": 0,
        "min_order_lots": 1, "min_rest_ms": 0, "reference_depth_lots": 1, "max_spread_bps": every(100),
        "clamp_bps": every(10_000), "min_uptime_bps": every(0), "curve": {"kind": "linear"}, "two_sided_divisor": 0,
        "target_lots": 0, "presence_lots": 1, "max_share_bps": 10_000,
    }  # fmt: skip
    document = {
        "version": 1, "program": "perps", "token": TOKEN, "budget": "1000000", "min_payout": "0", "unspent": "return",
        "epoch": {"number": number, "start_ms": start_s * 1000, "end_ms": end_s * 1000},
        "boosts": every(100) | {"pre": 300}, "markets": {"AAPL-PERP": market},
    }  # fmt: skip
    return json.dumps(document | changes).encode()


@pytest.fixture
def program(exchange, settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="0.1", base_symbol="AAPL",
    )  # fmt: skip
    alice = maker_enrol(by=OPERATOR, slug="alice", name="Alice Quotes", addresses=[ALICE], since_ms=0)
    bob = maker_enrol(by=OPERATOR, slug="bob", name="Bob Quotes", addresses=[BOB], since_ms=0)
    maker_payouts_set(by=OPERATOR, maker=alice, shares=[(ALICE_PAY, 700_000), (ALICE_LP, 300_000)], since_ms=0)
    maker_payouts_set(by=OPERATOR, maker=bob, shares=[(BOB_PAY, 1_000_000)], since_ms=0)
    return program_create(
        slug="perps", name="Perps", chain_id=31337, distributor=DISTRIBUTOR, token=TOKEN, token_symbol="LAMP",
        start_block=exchange.start_block,
    )  # fmt: skip


def index() -> None:
    client = node()
    try:
        follow(client)
    finally:
        client.close()


def quote(exchange, owner: str, first_id: int) -> None:
    exchange.place(first_id, owner=owner, side="bid", price=9_990, size=100)
    exchange.place(first_id + 1, owner=owner, side="ask", price=10_010, size=100)


def two_hours_of_quotes(exchange) -> None:
    """Alice quotes for both hours, Bob the same quote for the second one: 30 minutes are pre, 90 regular."""
    quote(exchange, ALICE, 1)
    exchange.submit(time_s=START_S)
    quote(exchange, BOB, 11)
    exchange.submit(time_s=START_S + HOUR_S)
    exchange.anvil.mine(time_s=START_S + 2 * HOUR_S, blocks=5)


def test_the_pay_is_what_the_rule_gives_by_hand(program, exchange):
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    two_hours_of_quotes(exchange)
    index()
    epochs_begin(now_ms=START_S * 1000)
    epoch = epoch_score(epoch_id=epoch.pk)
    # Shares in 30-minute units, boosted: pre 1 x 300, regular 3 x 100, so E = 600. Alice alone for pre and the first
    # half hour of regular, then both equally: 300 + 100 + 2 x 50 = 500; Bob 2 x 50 = 100.
    assert dict(Allocation.objects.values_list("maker", "payout")) == {"alice": 833_333, "bob": 166_666}
    assert epoch.unspent == 1
    assert epoch.paid_total + epoch.unspent + epoch.carried_out_total == 1_000_000
    assert dict(Entitlement.objects.values_list("account", "cumulative")) == {
        ALICE_PAY: 583_334, ALICE_LP: 249_999, BOB_PAY: 166_666,
    }  # fmt: skip
    assert epoch.state == Epoch.State.SCORED


def test_the_evidence_gives_the_same_root_without_the_database(program, exchange, settings):
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    two_hours_of_quotes(exchange)
    index()
    epochs_begin(now_ms=START_S * 1000)
    epoch = epoch_score(epoch_id=epoch.pk)
    bundle = Path(settings.EVIDENCE_DIR) / epoch.evidence_name
    done = subprocess.run(
        [sys.executable, "-m", "rewards.engine", "verify", str(bundle)], capture_output=True, text=True, check=False,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert epoch.root in done.stdout


def test_scoring_twice_changes_nothing(program, exchange, settings):
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    two_hours_of_quotes(exchange)
    index()
    epochs_begin(now_ms=START_S * 1000)
    first = epoch_score(epoch_id=epoch.pk)
    Epoch.objects.update(state=Epoch.State.LIVE)
    second = epoch_score(epoch_id=epoch.pk)
    assert (first.root, first.manifest_hash) == (second.root, second.manifest_hash)
    assert [path.name for path in Path(settings.EVIDENCE_DIR).iterdir()] == [first.evidence_name]
    assert Score.objects.filter(epoch=epoch).count() == 3


def test_an_epoch_is_not_scored_before_its_last_block_is_final(program, exchange):
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    quote(exchange, ALICE, 1)
    exchange.submit(time_s=START_S)
    exchange.anvil.mine(time_s=START_S + 2 * HOUR_S)
    index()
    epochs_begin(now_ms=START_S * 1000)
    with pytest.raises(NotYetError, match="its last blocks to be final"):
        epoch_score(epoch_id=epoch.pk)


def test_the_second_epoch_adds_to_the_first(program, exchange):
    first = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    second = epoch_schedule(
        program=program, terms=terms_of(number=2, start_s=START_S + 2 * HOUR_S, end_s=START_S + 4 * HOUR_S)
    )
    two_hours_of_quotes(exchange)
    exchange.anvil.mine(time_s=START_S + 4 * HOUR_S, blocks=5)
    index()
    epochs_begin(now_ms=(START_S + 4 * HOUR_S) * 1000)
    with pytest.raises(NotYetError, match="epoch 1 to be scored"):
        epoch_score(epoch_id=second.pk)
    first = epoch_score(epoch_id=first.pk)
    second = epoch_score(epoch_id=second.pk)
    assert second.parent_root == first.root
    # Both rest through all of the second epoch: 500,000 each.
    totals = dict(Entitlement.objects.filter(epoch=second).values_list("account", "cumulative"))
    assert totals == {ALICE_PAY: 583_334 + 350_000, ALICE_LP: 249_999 + 150_000, BOB_PAY: 166_666 + 500_000}


def test_the_live_standing_is_an_estimate_that_grows_into_the_pay(program, exchange):
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 4 * HOUR_S))
    two_hours_of_quotes(exchange)
    index()
    epochs_begin(now_ms=START_S * 1000)
    assert live_score(epoch_id=epoch.pk) == (START_S + 2 * HOUR_S) * 1000
    standings = {row.maker: row for row in LiveStanding.objects.all()}
    assert (standings["alice"].estimate, standings["bob"].estimate) == (833_333, 166_666)
    # The whole epoch has E = 300 + 7 x 100 = 1000 of the same units.
    assert (standings["alice"].accrued, standings["bob"].accrued) == (500_000, 100_000)


def test_terms_of_a_scheduled_epoch_can_not_be_swapped(program):
    terms = terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S)
    epoch_schedule(program=program, terms=terms)
    assert epoch_schedule(program=program, terms=terms).number == 1
    with pytest.raises(EpochConflictError, match="other terms"):
        epoch_schedule(program=program, terms=terms.replace(b'"1000000"', b'"1000001"'))
    with pytest.raises(EpochConflictError, match="overlaps"):
        epoch_schedule(program=program, terms=terms_of(number=2, start_s=START_S + HOUR_S, end_s=START_S + 3 * HOUR_S))
