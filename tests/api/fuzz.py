"""Asks the API for everything its own description allows, and for what it does not: `make fuzz-api`.

Schemathesis makes the requests from the schema that the service serves; the checks are its own: no 500, every status,
content type, header and body as described, wrong input refused, methods that are not described refused.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEED = 20_251_126
ROLES = ("nobody", "own maker", "treasurer")


def fuzz(*, role: str, cases: int, seed: int = SEED) -> Counter[int]:
    """Send `cases` requests or a few more as somebody with a role; returns how often each status came.

    Raises what is wrong. Some routes take so little that their requests are soon exhausted; others make up for it.

    Rows have to be there already (tests.pages.factories.scene).
    """
    import schemathesis
    from django.core.wsgi import get_wsgi_application
    from schemathesis.config import SchemathesisConfig

    from tests.api.asking import by_key

    config = SchemathesisConfig.from_dict({"seed": seed})
    with one_transaction():
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application(), config=config)
    scopes = ["read:all", "ask:what-ifs"] if role == "treasurer" else ["read:own"]
    # Its client for WSGI unpacks nothing.
    headers = {"Accept-Encoding": "identity"}
    if role != "nobody":
        headers["Authorization"] = f"Bearer {by_key(role, *scopes).key}"
    # The live route answers until its epoch is over; tests/api/test_served.py follows it.
    with one_transaction():
        return _all(schema, headers, cases, seed)


@contextmanager
def one_transaction() -> Iterator[None]:
    """Keep the test's transaction open from request to request; a server gives its connection back after each."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _all(schema: Any, headers: dict[str, str], cases: int, seed: int) -> Counter[int]:
    import hypothesis
    import schemathesis
    from hypothesis import HealthCheck, Phase, given

    routes = [each.ok() for each in schema.exclude(operation_id="live").get_all_operations()]
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    strategies = [
        _known(each.as_strategy(generation_mode=mode), mode, schemathesis) for each in routes for mode in modes
    ]
    statuses: Counter[int] = Counter()
    for turn in range(20):
        left = cases - statuses.total()
        if left <= 0:
            break
        for strategy in strategies:

            @hypothesis.seed(seed + turn)
            @hypothesis.settings(
                max_examples=-(-left // len(strategies)), deadline=None, database=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=strategy)
            def ask(case: Any) -> None:
                answer = case.call(headers=headers)
                statuses[answer.status_code] += 1
                case.validate_response(answer, headers=headers)

            ask()
    return statuses


NAMES = {
    "programme": ["us-equity-perps", "nothing"], "number": [1, 2, 3, 9], "maker": ["aurora", "meridian", "nobody"],
    "market": ["AAPL-PERP", "nothing"], "what_if": [1, 2, 3], "account": ["0x" + "00" * 18 + "3001", "0x" + "12" * 20],
}  # fmt: skip


def _known(strategy: Any, mode: Any, schemathesis: Any) -> Any:
    """Put names of rows that are there into most of the paths, so that not every answer is a 404."""
    from hypothesis import strategies as st

    def named(case: Any, choice: dict[str, Any], whether: bool) -> Any:
        if mode == schemathesis.GenerationMode.POSITIVE and case.query:
            # Nobody makes a cursor up; what is none gets a 400, which the schema can't tell from a filter's.
            case.query.pop("cursor", None)
        if whether and mode == schemathesis.GenerationMode.POSITIVE and case.path_parameters:
            for name in case.path_parameters:
                case.path_parameters[name] = choice[name]
        return case

    choices = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in NAMES.items()})
    return st.builds(named, strategy, choices, st.sampled_from([True, True, True, False]))
