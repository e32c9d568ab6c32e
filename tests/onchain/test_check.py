"""check_index finds what was changed behind our back; doctor says in words what is wrong; status and metrics agree."""

import datetime as dt
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from onchain.doctor import examine
from onchain.follow import note_health
from onchain.indexer import Indexer
from onchain.models import Alarm, Block, Cursor, Market, MarketEvent, ProviderHealth, RawLog
from onchain.rpc import Policy, connect
from onchain.status import indexer_status
from rewards.selectors.metrics import metrics_text
from tests.faults import faults
from tests.faults.conftest import SECOND, register, trade
from tests.faults.proxy import LyingProxy

pytestmark = pytest.mark.django_db
LAST = 12


@pytest.fixture
def client(exchange):
    register(exchange)
    for step in range(10):
        trade(exchange, step)
        exchange.anvil.mine(time_s=SECOND + step)
    asks = connect(urls=[exchange.anvil.url], policy=Policy(attempts=1))
    Indexer(asks).run()
    yield asks
    asks.close()


def check(*words: str) -> tuple[bool, str]:
    """Run check_index; returns whether all was well, and what it said."""
    out = StringIO()
    try:
        call_command("check_index", *words, stdout=out)
    except CommandError as error:
        return False, out.getvalue() + str(error)
    return True, out.getvalue()


def test_an_index_that_is_right_is_found_right(client):
    good, said = check()
    assert good
    assert said == "Blocks 1 to 12 are what the chain says: hashes, every log, every event.\n"
    assert check("--from=3", "--to=5")[1].startswith("Blocks 3 to 5 are what the chain says")


def test_every_kind_of_damage_is_found_at_its_block(client):
    logs = RawLog.objects.filter(block_number=4)
    gone = logs.first()
    RawLog.objects.filter(block_number=4, log_index=gone.log_index).delete()
    RawLog.objects.filter(block_number=5, log_index=0).update(data="0x01")
    Block.objects.filter(number=7).update(canonical=False)
    MarketEvent.objects.filter(block_number=8, log_index=0).update(size=999)
    good, said = check()
    assert not good
    assert f"Block 4: log {gone.log_index} of the chain's receipts is missing in what we have." in said
    assert "Block 5: log 0 differs from that in the chain's receipts." in said
    assert "Block 7: we do not have it." in said
    assert "Block 8: the events of AAPL-PERP are not those that its logs give." in said
    assert "nothing was changed" in said


def test_a_provider_whose_get_logs_leaves_logs_out_is_remarked_on(client, exchange):
    def leave_out(calls, answers):
        for call, answer in zip(calls, answers, strict=True):
            if call["method"] == "eth_getLogs":
                del answer["result"][0]

    with LyingProxy(exchange.anvil.url, leave_out) as proxy:
        good, said = check(f"--provider={proxy.url}")
    assert good
    assert "of the receipts of the same provider is missing in what eth_getLogs gives." in said
    assert "1 remark on the provider" in said


def test_what_can_not_be_checked_is_said(client):
    assert "choose among them" in check("--from=99")[1]
    assert "begins with http" in check("--provider=ftp://x")[1]
    Cursor.objects.all().delete()
    assert "Nothing is indexed" in check()[1]


# --- doctor -----------------------------------------------------------------------------------------------------------


def verdicts(client, *, now_s: float = SECOND + 12) -> dict[str, tuple[str, str]]:
    return {each.subject: (each.trouble, each.remark) for each in examine(client, now_s=lambda: now_s)}


def test_the_doctor_finds_nothing_where_all_is_well(client, capsys):
    found = verdicts(client)
    assert {subject for subject, (trouble, _) in found.items() if trouble} <= {"clock"}  # the chain's time is not ours
    assert {"settings", "database", "queue", "clock", "indexer", "market AAPL-PERP"} <= set(found)


def test_the_doctor_says_what_is_wrong_and_what_to_do(client, exchange, settings):
    settings.CHAIN_CONFIRMATION_DEPTH = -1
    Market.objects.update(
        address="0x" + "9" * 40, quarantined_block=7, quarantine_reason="Block 7, log 0: a price off the tick."
    )
    Alarm.objects.create(kind="reorg_below_final", message="The node's chain leaves ours.")
    with LyingProxy(exchange.anvil.url, lambda calls, _: faults._error(calls, -32601, "no such method")) as proxy:
        other = connect(urls=[exchange.anvil.url, proxy.url], policy=Policy(attempts=1))
        found = verdicts(other)
        other.close()
        name = other.providers[1].name
    assert "CHAIN_CONFIRMATION_DEPTH" in found["settings"][0]
    assert "eth_getBlockReceipts" in found[f"node {name}"][0]
    assert "seconds behind the database" in found["clock"][0]
    assert "There is no contract at 0x999" in found["market AAPL-PERP"][0]


def test_the_doctors_command_ends_in_a_failure_while_something_is_wrong(client):
    Alarm.objects.create(kind="wrong_chain", message="The database holds chain 1, the node serves chain 2.")
    out = StringIO()
    with pytest.raises(CommandError, match="to mend"):
        call_command("doctor", stdout=out)
    assert "wrong  indexer: The database holds chain 1" in out.getvalue()


# --- status and metrics -----------------------------------------------------------------------------------------------


def test_status_and_metrics_say_the_same(client, exchange):
    note_health(client)
    ProviderHealth.objects.update(failed=3, resting=True, last_error="node did not answer eth_call: no answer in time")
    exchange.anvil.mine(time_s=SECOND + 20, blocks=3)
    Cursor.objects.update(head_number=LAST + 3, verified_block=LAST - 2)
    Market.objects.update(quarantined_block=9, quarantine_reason="Block 9, log 0: a price off the tick.")
    now = dt.datetime.now(tz=dt.UTC)
    status = indexer_status(now=now)
    assert (status.head_lag, status.verified_lag, status.quarantined) == (3, 5, ("AAPL-PERP",))
    assert status.events_per_s == MarketEvent.objects.count() / 60
    assert status.providers[0].sentence.startswith("It is left alone for a moment")
    families = text_string_to_metric_families(metrics_text(now=now, queues=None).decode())
    samples = {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}
    name = client.providers[0].name
    assert samples[("lamplight_head_lag_blocks",)] == 3
    assert samples[("lamplight_verified_lag_blocks",)] == 5
    assert samples[("lamplight_market_quarantined", "AAPL-PERP")] == 1
    assert samples[("lamplight_provider_resting", name)] == 1
    assert samples[("lamplight_provider_calls_total", name, "failed")] == 3 or (
        samples[("lamplight_provider_calls_total", "failed", name)] == 3
    )


def test_the_status_page_and_the_metrics_are_served(client, exchange, settings, client_of_nobody):
    note_health(client)
    page = client_of_nobody.get("/status/").content.decode()
    assert "Verified lag" in page
    assert client.providers[0].name not in page
    watcher = Client()
    watcher.force_login(get_user_model().objects.create_user(username="vera", role="auditor"))
    assert client.providers[0].name in watcher.get("/status/").content.decode()
    assert b"lamplight_head_block" in client_of_nobody.get("/metrics").content
    settings.METRICS_OPEN, settings.METRICS_TOKEN = False, ""
    assert client_of_nobody.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-token"
    assert client_of_nobody.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 404
    answer = client_of_nobody.get("/metrics", headers={"authorization": "Bearer a-token"})
    assert answer.status_code == 200


@pytest.fixture
def client_of_nobody():
    return Client()
