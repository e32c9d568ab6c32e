"""One process follows a chain; one that hangs is replaced, and what it does late is refused."""

import threading

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, connection

from onchain.errors import LeaseLostError
from onchain.indexer import Indexer, head_lock
from onchain.lease import Lease, head_lease
from onchain.models import Block, HeadLease
from onchain.rpc import connect
from tests.faults.conftest import register

pytestmark = pytest.mark.django_db(transaction=True)
CHAIN = 31337


def elsewhere(work) -> list:
    """Run `work` in another thread, which has a database session of its own."""
    out: list = []

    def run():
        try:
            out.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return out


def take(lease_s: float):
    with head_lease(chain_id=CHAIN, lease_s=lease_s) as lease:
        return lease


def test_while_the_holder_renews_nobody_else_gets_a_turn():
    with head_lock(chain_id=CHAIN) as lease:
        lease.renew()
        assert elsewhere(lambda: take(60.0)) == [None]


def test_the_turn_of_a_holder_that_hangs_is_taken_over_and_its_session_is_ended():
    with head_lock(chain_id=CHAIN) as lease:
        [other] = elsewhere(lambda: take(0.0))
        assert other.token == lease.token + 1
        with pytest.raises((DatabaseError, InterfaceError, psycopg.Error)):
            lease.renew()
        connection.close()
    with pytest.raises(LeaseLostError, match="taken over"):
        lease.renew()
    other.renew()


def test_a_process_that_lost_its_turn_commits_nothing_more(exchange):
    register(exchange)
    exchange.anvil.mine(blocks=3)
    HeadLease.objects.create(chain_id=CHAIN, token=8, holder="another", renewed_at="2026-01-01T00:00Z")
    client = connect(urls=[exchange.anvil.url])
    with pytest.raises(LeaseLostError):
        Indexer(client, lease=Lease(CHAIN, 7)).run()
    assert not Block.objects.exists()
    Indexer(client, lease=Lease(CHAIN, 8)).run()
    client.close()
    assert Block.objects.exists()
