"""JSON-RPC to one or several providers: batches, bounded retries with jittered backoff, a breaker each.

The clock, the sleep and the dice come in as arguments. A client is for one thread; `clone` makes another.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from config.spans import span
from onchain.errors import (
    BadChainDataError,
    LogDecodeError,
    NoProviderError,
    OnchainError,
    RpcError,
    RpcForbiddenError,
    RpcGarbledError,
    RpcLimitedError,
    RpcMethodMissingError,
    RpcRangeTooLargeError,
    RpcRefusedError,
    RpcServerError,
)
from onchain.http_transport import HttpTransport, Transport
from onchain.jsondepth import is_too_deep

T = TypeVar("T")
METHOD_MISSING_CODES = (-32601, -32004)
INTERNAL_ERROR_CODE = -32603
# Providers word the same refusals differently, with codes that mean something else elsewhere (reliability notes).
TOO_LARGE_WORDS = ("range", "too large", "too many results", "more than", "response size", "query returned", "batch")
LIMITED_WORDS = ("rate limit", "limit exceeded", "too many requests", "throughput", "compute units", "capacity")
# Calls whose answer grows with what is asked for, so that asking for less is a way on.
MAY_BE_TOO_LARGE = ("eth_getLogs", "eth_getLogsWithCursor", "eth_getBlockReceipts", "eth_getBlockByNumber")
# Refusals that say something of the provider, not of the call.
ANOTHER_MAY_ANSWER = (RpcMethodMissingError, RpcForbiddenError)
# What says that a provider lies, lags or is broken: the next one is asked, then the same again later.
Unusable = (RpcError, BadChainDataError, LogDecodeError)
PASSING_WORDS = ("timeout", "timed out", "header not found", "unknown block", "try again")


@dataclass(frozen=True, slots=True)
class Call:
    """One JSON-RPC call."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass(slots=True)
class Health:
    """How a provider does, over all connections to it. After `break_after` failures in a row it rests a while."""

    failures_in_a_row: int = 0
    rests_until_s: float = 0.0
    answered: int = 0
    failed: int = 0
    last_error: str = ""
    latency_ms: float = 0.0


@dataclass(slots=True)
class Provider:
    """A connection to a provider, and the provider's health with its breaker, which clones share."""

    transport: Transport
    health: Health = field(default_factory=Health)

    @property
    def name(self) -> str:
        """The provider's host."""
        return self.transport.name


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a client is."""

    timeout_s: float = 10.0
    attempts: int = 4
    backoff_base_s: float = 0.1
    backoff_cap_s: float = 5.0
    break_after: int = 3
    break_for_s: float = 15.0


@dataclass(slots=True)
class RpcClient:
    """Asks the first healthy provider, then the others, then waits and asks again, `policy.attempts` times."""

    providers: list[Provider]
    policy: Policy = field(default_factory=Policy)
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random
    clock_s: Callable[[], float] = time.monotonic

    def call(self, *, method: str, params: Sequence[Any] = ()) -> Any:
        """Return one call's result; raises RpcError of the refusal, or NoProviderError."""
        return self.batch(calls=[Call(method, tuple(params))])[0]

    def batch(self, *, calls: Sequence[Call]) -> list[Any]:
        """Return the calls' results in their order, in one request to one provider."""
        methods = [call.method for call in calls]
        return self._ask(calls, lambda answer, name: parse_results(answer, methods=methods, provider=name))

    def raw(self, *, calls: Sequence[Call], check: Callable[[bytes, str], T]) -> T:
        """Return what `check(answer, provider)` makes of the answer's bytes.

        When it raises an RpcError, BadChainDataError or LogDecodeError, the next provider is asked, as if this one had
        not answered; the last of those errors is raised when none did better.
        """
        return self._ask(calls, check)

    def clone(self) -> "RpcClient":
        """Return a client with connections of its own, for another thread."""
        fresh = [Provider(provider.transport.clone(), provider.health) for provider in self.providers]
        return RpcClient(fresh, self.policy, self.sleep, self.dice, self.clock_s)

    def close(self) -> None:
        """Close all connections."""
        for provider in self.providers:
            provider.transport.close()

    def only(self, *, index: int, attempts: int | None = None) -> "RpcClient":
        """Return a client of one provider, sharing its connection and breaker."""
        policy = self.policy if attempts is None else replace(self.policy, attempts=attempts)
        return RpcClient([self.providers[index]], policy, self.sleep, self.dice, self.clock_s)

    def _ask(self, calls: Sequence[Call], read: Callable[[bytes, str], T]) -> T:
        body = _body(calls)
        failures: list[RpcError | BadChainDataError | LogDecodeError] = []
        for attempt in range(self.policy.attempts):
            failures = []
            for provider in self._in_order():
                try:
                    return self._ask_one(provider, body, calls, read)
                except Unusable as error:
                    failures.append(error)
                    if not error.retryable and not isinstance(error, ANOTHER_MAY_ANSWER):
                        raise
            if failures and all(not failure.retryable for failure in failures):
                raise failures[0]
            if attempt + 1 < self.policy.attempts:
                self.sleep(self._backoff_s(attempt))
        if failures and all(isinstance(failure, BadChainDataError) for failure in failures):
            raise failures[0]
        raise NoProviderError(method=calls[0].method, failures=failures)

    def _ask_one(self, provider: Provider, body: bytes, calls: Sequence[Call], read: Callable[[bytes, str], T]) -> T:
        transport, begun_s = provider.transport, self.clock_s()
        try:
            with span(f"rpc {calls[0].method}", kind="client", provider=transport.name, calls=len(calls)):
                answer = transport.post(body=body, method=calls[0].method, timeout_s=self.policy.timeout_s)
                result = read(answer, transport.name)
        except Unusable as error:
            self._count_failure(provider, error)
            raise
        health = provider.health
        health.latency_ms = 1000 * (self.clock_s() - begun_s)
        health.failures_in_a_row = 0
        health.answered += 1
        return result

    def _count_failure(self, provider: Provider, error: OnchainError) -> None:
        health = provider.health
        health.last_error = str(error)
        # A refusal is an answer; only a provider that does not answer is left alone for a while.
        if not error.retryable:
            return
        health.failed += 1
        health.failures_in_a_row += 1
        if health.failures_in_a_row >= self.policy.break_after:
            health.rests_until_s = self.clock_s() + self.policy.break_for_s

    def _in_order(self) -> list[Provider]:
        now_s = self.clock_s()
        awake = [provider for provider in self.providers if provider.health.rests_until_s <= now_s]
        # With every breaker open, asking is still better than not asking.
        return awake or self.providers

    def _backoff_s(self, attempt: int) -> float:
        longest_s = min(self.policy.backoff_cap_s, self.policy.backoff_base_s * 2.0**attempt)
        return longest_s * (0.5 + 0.5 * self.dice())


def connect(*, urls: Sequence[str], policy: Policy | None = None) -> RpcClient:
    """Return a client of the providers at `urls`, the preferred one first."""
    return RpcClient([Provider(HttpTransport(url=url)) for url in urls], policy or Policy())


def _body(calls: Sequence[Call]) -> bytes:
    requests = [
        {"jsonrpc": "2.0", "id": index, "method": call.method, "params": list(call.params)}
        for index, call in enumerate(calls)
    ]
    # A batch of one goes as a plain call: some providers bill or refuse batches.
    return json.dumps(requests[0] if len(requests) == 1 else requests, separators=(",", ":")).encode()


def parse_results(answer: bytes, *, methods: Sequence[str], provider: str) -> list[Any]:
    """Return the results of a batch in the order of its calls, whose ids count from 0.

    Raises RpcGarbledError, and the typed error of a refusal.
    """
    if is_too_deep(answer):
        raise RpcGarbledError(provider=provider, method=methods[0], reason="the answer is nested too deep")
    try:
        decoded = json.loads(answer)
    except ValueError as error:
        raise RpcGarbledError(provider=provider, method=methods[0], reason="the answer is not JSON") from error
    items = [decoded] if isinstance(decoded, dict) else decoded
    if not isinstance(items, list):
        raise RpcGarbledError(provider=provider, method=methods[0], reason="the answer is no JSON-RPC")
    by_id: dict[Any, dict[str, Any]] = {
        item["id"]: item for item in items if isinstance(item, dict) and isinstance(item.get("id"), int)
    }
    if isinstance(decoded, dict) and decoded.get("error") is not None:
        raise error_of(decoded["error"], provider=provider, method=methods[0])
    return [_result(by_id.get(index), provider=provider, method=method) for index, method in enumerate(methods)]


def _result(item: dict[str, Any] | None, *, provider: str, method: str) -> Any:
    if item is None:
        raise RpcGarbledError(provider=provider, method=method, reason="the answer to one call is missing")
    if item.get("error") is not None:
        raise error_of(item["error"], provider=provider, method=method)
    if "result" not in item:
        raise RpcGarbledError(provider=provider, method=method, reason="neither result nor error")
    return item["result"]


def error_of(error: Any, *, provider: str, method: str) -> RpcError:
    """Return the typed error for a JSON-RPC error object."""
    if not isinstance(error, dict):
        return RpcGarbledError(provider=provider, method=method, reason="the error is no object")
    code = error.get("code") if isinstance(error.get("code"), int) else 0
    message = str(error.get("message", ""))
    words = message.lower()
    if code in METHOD_MISSING_CODES:
        return RpcMethodMissingError(provider=provider, method=method, reason=message)
    if code in (429, -32005, -32016) or any(word in words for word in LIMITED_WORDS):
        if any(word in words for word in TOO_LARGE_WORDS):
            return RpcRangeTooLargeError(provider=provider, method=method, reason=message)
        return RpcLimitedError(provider=provider, method=method, reason=message)
    if method in MAY_BE_TOO_LARGE and any(word in words for word in TOO_LARGE_WORDS):
        return RpcRangeTooLargeError(provider=provider, method=method, reason=message)
    if code == INTERNAL_ERROR_CODE or any(word in words for word in PASSING_WORDS):
        return RpcServerError(provider=provider, method=method, reason=message)
    return RpcRefusedError(
        provider=provider, method=method, code=int(code or 0), message=message, data=error.get("data")
    )
