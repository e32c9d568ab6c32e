"""Providers that lie, lag, limit and break off: in the end the rows are those of a clean index, whatever they do."""

import random

import pytest

from onchain import indexer
from onchain.errors import OnchainError, ProvidersDisagreeError, RpcRangeTooLargeError
from onchain.indexer import Indexer
from onchain.models import Alarm, Block, Cursor
from onchain.rpc import Policy, RpcClient, connect
from tests.faults import faults
from tests.faults.conftest import rows, seeds
from tests.faults.proxy import LyingProxy

PATIENCE = 40


def impatient(*urls: str, timeout_s: float = 10.0, attempts: int = 3) -> RpcClient:
    """A client that neither sleeps nor leaves a provider alone: the faults come and go by count, not by time."""
    client = connect(urls=urls, policy=Policy(timeout_s=timeout_s, attempts=attempts, break_for_s=0.0))
    client.sleep = lambda _s: None
    OPEN.append(client)
    return client


def index(client: RpcClient) -> int:
    """Index to the head as a worker does, again after every error that may pass; returns how many there were."""
    errors = 0
    while True:
        try:
            # What one run left is all that the next one has: each is a new process, as far as memory goes.
            if Indexer(client).run().caught_up and Cursor.objects.get().block_number == HEAD[0]:
                # The next look, which comes within a second: what was final was not told in every answer.
                Indexer(client).run()
                return errors
        except OnchainError as error:
            if not error.retryable:
                raise
        errors += 1
        assert errors < PATIENCE, "it does not get there"


HEAD = [0]
OPEN: list[RpcClient] = []


@pytest.fixture(autouse=True)
def _head_and_connections(scene):
    HEAD[0] = scene.clean["cursor"][0][0]
    yield
    while OPEN:
        OPEN.pop().close()


def check(scene, fault, *, others: int = 0, timeout_s: float = 10.0) -> LyingProxy:
    with LyingProxy(scene.url, fault) as proxy:
        index(impatient(proxy.url, *[scene.url] * others, timeout_s=timeout_s))
        assert proxy.hits, "the provider did not lie at all"
    assert rows() == scene.clean
    assert not Alarm.objects.filter(resolved_at=None).exists()
    return proxy


@pytest.mark.parametrize("seed", seeds(500, 18))
def test_logs_that_a_provider_leaves_out_are_missed_and_asked_for_again(scene, seed):
    change = faults.DROPS[seed % 3]
    fault = faults.each_answer(change, seed=seed, times=1 + seed % 5, method="eth_getBlockReceipts")
    check(scene, fault)


@pytest.mark.parametrize("seed", seeds(50, 3))
def test_a_provider_that_always_leaves_logs_out_is_passed_over_for_an_honest_one(scene, seed):
    fault = faults.each_answer(faults.DROPS[seed % 3], seed=seed, times=10**6, method="eth_getBlockReceipts")
    check(scene, fault, others=1)


@pytest.mark.parametrize("change", faults.DROPS)
def test_with_a_lying_provider_alone_nothing_at_all_is_stored_of_the_block(scene, change):
    fault = faults.each_answer(change, seed=1, times=10**6, method="eth_getBlockReceipts")
    with LyingProxy(scene.url, fault) as proxy, pytest.raises(OnchainError, match="receipts from") as caught:
        Indexer(impatient(proxy.url)).run()
    assert caught.value.retryable
    stored = rows()
    assert stored["blocks"] == scene.clean["blocks"][: len(stored["blocks"])]
    assert stored["logs"] == scene.clean["logs"][: len(stored["logs"])]


@pytest.mark.parametrize("seed", seeds(50, 4))
def test_a_stale_head_is_waited_for_and_nothing_is_taken_back(scene, seed):
    fault = faults.each_answer(
        faults.stale_head(1 + seed % 20), seed=seed, times=1 + seed % 4, method="eth_blockNumber"
    )
    with LyingProxy(scene.url) as proxy:
        client = impatient(proxy.url)
        Indexer(client).run(until_block=scene.exchange.start_block + 12 + seed % 8)
        before = Cursor.objects.get().block_number
        proxy.fault = fault
        Indexer(client).run()
        assert Cursor.objects.get().block_number >= before
        index(client)
        assert proxy.hits
    assert rows() == scene.clean
    assert not Block.objects.filter(canonical=False).exists()


@pytest.mark.parametrize("seed", seeds(50, 4))
def test_null_blocks_and_null_receipts_are_asked_for_again(scene, seed):
    method = ("eth_getBlockByNumber", "eth_getBlockReceipts")[seed % 2]
    check(scene, faults.each_answer(faults.null, seed=seed, times=1 + seed % 6, method=method))


@pytest.mark.parametrize("seed", seeds(50, 7))
def test_receipts_that_are_not_the_blocks_are_refused(scene, seed):
    check(scene, faults.each_answer(faults.mismatched, seed=seed, times=1 + seed % 5, method="eth_getBlockReceipts"))


@pytest.mark.parametrize("seed", seeds(50, 4))
def test_a_provider_that_limits_is_given_time(scene, seed):
    check(scene, faults.each_request(faults.limited, seed=seed, times=1 + seed % 6))


@pytest.mark.parametrize("seed", seeds(20, 2))
def test_a_provider_that_says_nothing_is_asked_again(scene, seed):
    check(scene, faults.each_request(faults.timed_out, seed=seed, times=1 + seed % 2), timeout_s=0.5)


@pytest.mark.parametrize("seed", seeds(50, 3))
def test_a_gateway_that_fails_is_asked_again(scene, seed):
    check(scene, faults.each_request(faults.broken_server, seed=seed, times=1 + seed % 6))


@pytest.mark.parametrize("seed", seeds(50, 5))
def test_an_answer_that_breaks_off_is_no_answer(scene, seed):
    check(scene, faults.each_request(faults.truncated, seed=seed, times=1 + seed % 6))


@pytest.mark.parametrize("seed", seeds(50, 5))
def test_ranges_are_halved_by_our_own_count_whatever_is_suggested(scene, seed, monkeypatch):
    monkeypatch.setattr(indexer, "PIPELINE_FROM", seed % 2 * 1000)
    check(scene, faults.oversized(3 + seed % 9, seed=seed))


def test_a_single_block_that_is_refused_as_too_large_is_an_error_and_no_loop(scene):
    def refuse(calls, answers):
        wanted = any(call["method"] == "eth_getBlockReceipts" for call in calls)
        return faults.oversized(0, seed=1)(calls, answers) if wanted else None

    with LyingProxy(scene.url, refuse) as proxy, pytest.raises(RpcRangeTooLargeError):
        Indexer(impatient(proxy.url)).run()


@pytest.mark.parametrize("seed", seeds(50, 4))
def test_where_two_providers_disagree_neither_is_believed_until_they_agree(scene, seed):
    fault = faults.each_answer(faults.other_block, seed=seed, times=1 + seed % 3, method="eth_getBlockByNumber")
    with LyingProxy(scene.url, fault) as proxy:
        # The liar is the second opinion, so that our own rows are right and only doubted.
        client = impatient(scene.url, proxy.url)
        with pytest.raises(ProvidersDisagreeError, match="neither is believed") as caught:
            Indexer(client).run()
        assert caught.value.retryable
        alarm = Alarm.objects.get(resolved_at=None)
        assert (alarm.kind, alarm.stops) == ("providers_disagree", False)
        assert Cursor.objects.get().final_block < caught.value.block_number
        assert not Block.objects.filter(number__gte=caught.value.block_number).exclude(status=0).exists()
        index(client)
    assert rows() == scene.clean
    assert not Alarm.objects.filter(resolved_at=None).exists()


def test_with_two_providers_a_block_waits_for_the_second_opinion(scene):
    def away(calls, _answers):
        return faults.broken_server(random.Random(1), calls)

    with LyingProxy(scene.url, away) as proxy:
        client = impatient(scene.url, proxy.url)
        Indexer(client).run()
        cursor = Cursor.objects.get()
        assert (cursor.block_number, cursor.verified_block) == (HEAD[0], cursor.first_block - 1)
        assert set(Block.objects.values_list("status", flat=True)) == {Block.Status.FETCHED}
        proxy.fault = None
        Indexer(client).run()
    assert rows() == scene.clean
