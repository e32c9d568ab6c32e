"""How patient the client is: turns, pauses with jitter, breakers, and what each refusal is taken for."""

import pytest

from onchain.errors import (
    NoProviderError,
    RpcError,
    RpcForbiddenError,
    RpcGarbledError,
    RpcLimitedError,
    RpcMethodMissingError,
    RpcRangeTooLargeError,
    RpcRefusedError,
    RpcServerError,
    RpcUnreachableError,
)
from onchain.rpc import Call, Policy, error_of, parse_results
from onchain.rpc import connect as connect_to
from tests.faults.proxy import LyingProxy, Reply


@pytest.fixture
def proxies(anvil):
    with LyingProxy(anvil.url) as first, LyingProxy(anvil.url) as second:
        yield first, second


@pytest.fixture
def connect():
    """Clients whose clock is the test's and whose pauses are written down; closed at the end."""
    made = []

    def make(*urls: str, **policy):
        client = connect_to(urls=urls, policy=Policy(**policy))
        client.now_s, client.pauses = [0.0], []
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture(autouse=True)
def _room_for_notes(monkeypatch):
    """Tests keep their clock and their list of pauses on the client itself."""
    from onchain import rpc

    class Noted(rpc.RpcClient):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.sleep = lambda seconds: self.pauses.append(seconds)
            self.clock_s = lambda: self.now_s[0]
            self.dice = lambda: 0.5

    monkeypatch.setattr(rpc, "RpcClient", Noted)


def broken(_calls, _answers) -> Reply:
    return Reply(b"", status=503)


def test_when_the_first_provider_fails_the_second_answers_without_a_pause(proxies, connect):
    first, second = proxies
    first.fault = broken
    client = connect(first.url, second.url)
    assert client.call(method="eth_chainId") == "0x7a69"
    assert (client.pauses, second.requests) == ([], 1)
    assert client.providers[0].health.last_error.endswith("did not answer eth_chainId: HTTP status 503")


def test_pauses_double_with_jitter_up_to_the_cap_and_then_every_failure_is_named(proxies, connect):
    first, second = proxies
    first.fault = second.fault = broken
    client = connect(first.url, second.url, attempts=5, backoff_base_s=1.0, backoff_cap_s=4.0, break_after=99)
    with pytest.raises(NoProviderError, match=r"503.*503") as caught:
        client.call(method="eth_chainId")
    assert caught.value.retryable
    # Half of each pause is certain, half is thrown; the die always says one half here.
    assert client.pauses == [0.75, 1.5, 3.0, 3.0]


def test_after_three_failures_in_a_row_a_provider_rests_and_is_asked_again_later(proxies, connect):
    first, second = proxies
    first.fault = broken
    client = connect(first.url, second.url, break_after=3, break_for_s=15.0)
    for _ in range(5):
        client.call(method="eth_chainId")
    assert first.requests == 3
    first.fault, client.now_s[0] = None, 15.0
    client.call(method="eth_chainId")
    assert first.requests == 4
    assert client.providers[0].health.failures_in_a_row == 0


def test_clones_share_a_providers_breaker(proxies, connect):
    first, second = proxies
    first.fault = broken
    client = connect(first.url, second.url, break_after=1)
    client.call(method="eth_chainId")
    clone = client.clone()
    clone.now_s, clone.pauses = client.now_s, []
    clone.call(method="eth_chainId")
    clone.close()
    assert first.requests == 1


def test_a_refusal_that_any_node_would_give_is_not_asked_again(proxies, connect):
    first, second = proxies
    client = connect(first.url, second.url)
    with pytest.raises(RpcRefusedError):
        client.call(method="eth_getBlockByNumber", params=["not a block", False])
    assert second.requests == 0


@pytest.mark.parametrize(
    ("method", "code", "message", "kind"),
    [
        ("eth_getLogs", -32602, "query returned more than 10000 results. Try 0x1-0x5", RpcRangeTooLargeError),
        ("eth_getLogs", -32005, "query returned more than 10000 results", RpcRangeTooLargeError),
        ("eth_getBlockReceipts", -32000, "batch too large", RpcRangeTooLargeError),
        ("eth_getLogs", -32005, "limit exceeded", RpcLimitedError),
        ("eth_call", 429, "Your app has exceeded its compute units per second capacity", RpcLimitedError),
        ("eth_getBlockReceipts", -32601, "the method does not exist", RpcMethodMissingError),
        ("eth_getBlockByNumber", -32000, "header not found", RpcServerError),
        ("eth_call", -32603, "Internal error", RpcServerError),
        ("eth_call", 3, "execution reverted", RpcRefusedError),
    ],
)
def test_each_providers_words_are_taken_for_what_they_mean(method, code, message, kind):
    assert type(error_of({"code": code, "message": message}, provider="node", method=method)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RpcLimitedError), (413, RpcRangeTooLargeError), (403, RpcForbiddenError), (500, RpcUnreachableError)],
)
def test_each_http_status_is_taken_for_what_it_means(proxies, connect, status, kind):
    first, _ = proxies
    first.fault = lambda _calls, _answers: Reply(b"", status=status)
    with pytest.raises((RpcError, NoProviderError)) as caught:
        connect(first.url, attempts=1).call(method="eth_chainId")
    error = caught.value.failures[0] if isinstance(caught.value, NoProviderError) else caught.value
    assert type(error) is kind


@pytest.mark.parametrize(
    "answer", [b"", b"{", b"7", b"[]", b'[{"id":1,"result":1}]', b'[{"id":0}]', b'[{"id":0,"error":7}]', b"[" * 100_000]
)
def test_what_is_no_json_rpc_is_garbled(answer):
    with pytest.raises(RpcGarbledError):
        parse_results(answer, methods=[Call("eth_chainId").method], provider="node")


def test_only_the_host_of_a_provider_is_ever_shown(connect):
    client = connect("http://127.0.0.1:9/v3/a-secret-key?token=another", attempts=1)
    with pytest.raises(NoProviderError) as caught:
        client.call(method="eth_chainId")
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "another" not in str(caught.value)
