"""History in ranges: in any order, by several workers, and taken over only where it fits."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from onchain import backfill
from onchain.derive import Deriver
from onchain.errors import OnchainError
from onchain.follow import Follower, note_health
from onchain.heads import HeadWatch
from onchain.indexer import Indexer, ensure_cursor, head_lock
from onchain.models import BackfillRange, Block, Cursor, MarketEvent, ProviderHealth
from onchain.rpc import Policy, connect
from onchain.tasks import backfill_ranges
from tests.faults import faults
from tests.faults.conftest import SECOND, forget, register, rows, trade
from tests.faults.proxy import LyingProxy

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(exchange, settings):
    settings.CHAIN_CONFIRMATION_DEPTH = 1
    register(exchange)
    for step in range(20):
        trade(exchange, step)
        exchange.anvil.mine(time_s=SECOND + step)
    asks = connect(urls=[exchange.anvil.url])
    yield asks
    asks.close()


def clean(client) -> dict:
    Indexer(client).run()
    found = rows()
    forget()
    return found


def plan(client, *, last: int, size: int) -> int:
    return backfill.plan(cursor=ensure_cursor(client), first=0, last=last, range_blocks=size)


def test_ranges_done_in_any_order_end_in_the_rows_of_a_clean_index(client):
    wanted = clean(client)
    assert plan(client, last=20, size=6) == 4
    order = list(BackfillRange.objects.values_list("pk", flat=True))
    for pk in (order[2], order[0], order[3], order[1]):
        BackfillRange.objects.filter(pk=pk).update(failures=-1)
        assert backfill.work(client)
        BackfillRange.objects.filter(pk=pk).update(failures=0)
    assert not backfill.work(client)
    assert not Block.objects.filter(canonical=True).exists()
    Indexer(client).run()
    assert rows() == wanted
    assert not BackfillRange.objects.filter(absorbed=False).exists()


def test_the_head_process_does_ranges_that_nobody_works_on(client):
    wanted = clean(client)
    plan(client, last=20, size=6)
    BackfillRange.objects.filter(first_block__gt=7).first()
    Indexer(client).run()
    assert rows() == wanted


def test_planning_twice_and_working_twice_is_as_good_as_once(client):
    wanted = clean(client)
    assert plan(client, last=12, size=5) == 3
    assert plan(client, last=12, size=5) == 0
    assert plan(client, last=18, size=5) == 2
    while backfill.work(client):
        pass
    BackfillRange.objects.update(done=False)
    while backfill.work(client):
        pass
    Indexer(client).run()
    assert rows() == wanted


def test_a_range_that_does_not_follow_is_fetched_again(client):
    wanted = clean(client)
    plan(client, last=12, size=6)
    while backfill.work(client):
        pass
    BackfillRange.objects.filter(first_block=1).update(last_hash="0x" + "77" * 32)
    Indexer(client).run()
    assert rows() == wanted
    assert BackfillRange.objects.get(first_block=1).failures == 1


def test_a_range_that_fails_says_why_and_the_others_go_on(client, exchange):
    with LyingProxy(exchange.anvil.url) as proxy:
        liar = connect(urls=[proxy.url], policy=Policy(attempts=1, break_for_s=0))
        plan(liar, last=12, size=6)
        proxy.fault = faults.each_answer(faults.empty, seed=1, times=1, method="eth_getBlockReceipts")
        with pytest.raises(OnchainError, match="give the root"):
            backfill.work(liar)
        failed = BackfillRange.objects.get(failures=1)
        assert "give the root" in failed.last_error
        assert backfill.work(liar)
        assert not BackfillRange.objects.filter(pk=failed.pk, done=True).exists()
        assert backfill.work(liar)
        liar.close()
    assert not BackfillRange.objects.filter(done=False).exists()


def test_the_command_plans_works_and_takes_over(client):
    wanted = clean(client)
    out = StringIO()
    call_command("backfill", "--range-blocks=7", stdout=out)
    assert "ranges planned, indexed through block" in out.getvalue()
    Indexer(client).run()
    assert rows() == wanted
    with pytest.raises(CommandError, match="1 or more"):
        call_command("backfill", "--range-blocks=0")


def test_a_worker_does_what_is_open_and_nothing_twice(client):
    plan(client, last=12, size=6)
    backfill_ranges()
    assert set(BackfillRange.objects.values_list("done", flat=True)) == {True}
    before = rows()
    backfill_ranges()
    assert rows() == before


def test_states_that_were_not_saved_are_replayed_from_the_logs(client, exchange):
    wanted = clean(client)
    for last in range(3, 23, 3):
        Indexer(client).run(until_block=last, flush=False)
    Indexer(client).run(flush=False)
    assert rows() == wanted
    assert MarketEvent.objects.exists()
    Deriver().flush()
    trade(exchange, 21)
    exchange.anvil.mine(time_s=SECOND + 30)
    Indexer(client).run()
    grown = rows()
    forget()
    Indexer(client).run()
    assert rows() == grown


def test_the_follower_indexes_what_comes_and_notes_how_providers_do(client, exchange):
    looks = iter(range(4))
    with head_lock(chain_id=31337) as lease, HeadWatch(url=None, poll_s=0.01) as watch:

        def keep_going() -> bool:
            # Asked several times a round; the chain grows once on the way.
            if Cursor.objects.filter(block_number__gte=22).exists():
                return next(looks, None) is not None
            return True

        Follower(client, lease, watch).run(keep_going=keep_going)
    assert Cursor.objects.get().block_number == int(exchange.anvil.rpc("eth_blockNumber"), 16)
    health = ProviderHealth.objects.get()
    assert health.name == client.providers[0].name
    assert health.answered > 0
    note_health(client)
    assert ProviderHealth.objects.count() == 1
