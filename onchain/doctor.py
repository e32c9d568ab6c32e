"""Looks at what the service needs and says in plain words what is wrong with it, and what to do."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from onchain.errors import NoProviderError, OnchainError, RpcError
from onchain.models import Alarm, Cursor, HeadLease, Market
from onchain.models_tx import ChainDistributor
from onchain.rpc import RpcClient

SERVER_VERSION = 160000
CLOCK_SLACK_S = 5
HEAD_OLD_S = 600
LAG_BLOCKS = 100
LEASE_OLD_S = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what is wrong with it in one or two sentences; empty: nothing."""

    subject: str
    trouble: str = ""
    remark: str = ""


def examine(client: RpcClient, *, now_s: Callable[[], float] = time.time) -> Iterator[Verdict]:
    """Yield a verdict for each thing that the service needs, the most basic first."""
    yield from _settings()
    database = _database()
    yield database
    yield from _nodes(client, now_s=now_s)
    yield _queue()
    if not database.trouble:
        yield _clock(now_s)
        yield from _indexer(client)
        yield from _contracts(client)


def _settings() -> Iterator[Verdict]:
    troubles = []
    if not settings.RPC_URLS:
        troubles.append("RPC_URLS is empty: name at least one node.")
    if len(set(settings.RPC_URLS)) < len(settings.RPC_URLS):
        troubles.append("RPC_URLS names a node twice, which is no second opinion: remove one.")
    if settings.CHAIN_CONFIRMATION_DEPTH < 0:
        troubles.append("CHAIN_CONFIRMATION_DEPTH is below 0: use 0 for the node's finalized tag.")
    if settings.CHAIN_TIMEOUT_S <= 0:
        troubles.append("CHAIN_TIMEOUT_S must be above 0.")
    alone = "there is one provider only, so nobody contradicts it" if len(settings.RPC_URLS) == 1 else ""
    yield Verdict("settings", " ".join(troubles), alone)


def _database() -> Verdict:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0])
        pending = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseError as error:
        words = str(error).strip().splitlines()
        return Verdict("database", f"It does not answer ({words[0] if words else error}). Check DATABASE_URL.")
    if version < SERVER_VERSION:
        return Verdict("database", f"PostgreSQL {version // 10000} is too old: use 16 or newer, 18 is best.")
    if pending:
        return Verdict("database", f"{len(pending)} migrations are missing. Run: manage.py migrate")
    return Verdict("database")


def _nodes(client: RpcClient, *, now_s: Callable[[], float]) -> Iterator[Verdict]:
    chains = set()
    for index, provider in enumerate(client.providers):
        one = client.only(index=index, attempts=1)
        try:
            chains.add(int(one.call(method="eth_chainId"), 16))
            block = one.call(method="eth_getBlockByNumber", params=["latest", False])
            one.call(method="eth_getBlockReceipts", params=[block["hash"]])
            final = one.call(method="eth_getBlockByNumber", params=["finalized", False])
        except (RpcError, NoProviderError) as error:
            yield Verdict(f"node {provider.name}", f"{error} It has to answer eth_getBlockReceipts; check RPC_URLS.")
            continue
        age_s = int(now_s()) - int(block["timestamp"], 16)
        remark = f"its newest block is {age_s:,} seconds old; does it follow the chain?" if age_s > HEAD_OLD_S else ""
        if not final and settings.CHAIN_CONFIRMATION_DEPTH == 0:
            trouble = "It gives no finalized block, so nothing would ever be final. Set CHAIN_CONFIRMATION_DEPTH."
            yield Verdict(f"node {provider.name}", trouble)
            continue
        yield Verdict(f"node {provider.name}", "", remark)
    if len(chains) > 1:
        listed = ", ".join(str(chain) for chain in sorted(chains))
        yield Verdict("nodes", f"They serve different chains ({listed}). Correct RPC_URLS.")


def _queue() -> Verdict:
    from config.celery import app

    try:
        with app.connection_for_write(connect_timeout=3) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # each kind of broker has errors of its own
        return Verdict("queue", f"It does not answer ({error}). Check CELERY_BROKER_URL.")
    return Verdict("queue")


def _clock(now_s: Callable[[], float]) -> Verdict:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        apart_s = round(now_s() - float(cursor.fetchone()[0]))
    if abs(apart_s) > CLOCK_SLACK_S:
        way = "ahead of" if apart_s > 0 else "behind"
        return Verdict("clock", f"This computer is {abs(apart_s)} seconds {way} the database. Set both by NTP.")
    return Verdict("clock")


def _indexer(client: RpcClient) -> Iterator[Verdict]:
    for alarm in Alarm.objects.filter(resolved_at=None):
        yield Verdict("indexer", alarm.message)
    for market in Market.objects.exclude(quarantined_block=None):
        yield Verdict(f"market {market.name}", f"It stands still. {market.quarantine_reason}")
    cursor = Cursor.objects.first()
    if cursor is None:
        yield Verdict("indexer", "", "nothing is indexed yet; register a market and start `manage.py follow`")
        return
    try:
        chain_id = int(client.call(method="eth_chainId"), 16)
        head = int(client.call(method="eth_blockNumber"), 16)
    except OnchainError:
        return
    if chain_id != cursor.chain_id:
        yield Verdict("indexer", f"The database holds chain {cursor.chain_id}, the node serves {chain_id}.")
        return
    lag = head - cursor.block_number
    lease = HeadLease.objects.filter(chain_id=chain_id).first()
    asleep = lease is None or (dt.datetime.now(tz=dt.UTC) - lease.renewed_at).total_seconds() > LEASE_OLD_S
    if lag > LAG_BLOCKS and asleep:
        yield Verdict("indexer", f"It is {lag:,} blocks behind and nobody follows the head. Start `manage.py follow`.")
    else:
        yield Verdict("indexer", "", f"{lag:,} blocks behind the node" if lag > 0 else "")


def _contracts(client: RpcClient) -> Iterator[Verdict]:
    places = [(f"market {market.name}", market.address) for market in Market.objects.all()]
    places += [("distributor", distributor.address) for distributor in ChainDistributor.objects.all()]
    for subject, address in places:
        try:
            code = client.call(method="eth_getCode", params=[address, "latest"])
        except OnchainError:
            return
        if code in ("0x", None):
            yield Verdict(subject, f"There is no contract at {address} on this chain. Check its address and RPC_URLS.")
        else:
            yield Verdict(subject)
