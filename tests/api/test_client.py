"""The Python client: installed as people install it, against the real server, each route as a method."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from pyarrow import parquet

from accounts.models import Maker
from rewards.api.kinds import KINDS
from rewards.models import WebhookEndpoint
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from tests.api.asking import by_key
from tests.pages.factories import BOOSTS, MARKETS, make_terms_version, make_what_if
from tests.pages.test_live_pages import server
from tests.rewards.test_stretches import random_epoch
from tests.rows import settle_all

__all__ = ["server"]
CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
ACCOUNT = "0x" + "00" * 18 + "3001"
live_server = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """The package as pip installs it, in a folder of its own."""
    source, target = tmp_path_factory.mktemp("source") / "python", tmp_path_factory.mktemp("site")
    shutil.copytree(CLIENT, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--target", target, source], check=True, timeout=120,
    )  # fmt: skip
    sys.path.insert(0, str(target))
    yield target
    sys.path.remove(str(target))
    for name in [each for each in sys.modules if each.split(".")[0] == "lamplight_client"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def described() -> dict:
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


def operations(described: dict) -> dict[str, dict]:
    return {each["operationId"]: each for methods in described["paths"].values() for each in methods.values()}


def of_scene(lamp, programme: str) -> dict:
    """What each method that works on the pages' rows gives, lists read to their end."""
    at = ("aurora", programme, 1)
    return {
        "programmes": list(lamp.programmes()), "programme": lamp.programme(programme),
        "markets": list(lamp.markets(programme)), "sessions": list(lamp.sessions(programme, kind="weekend")),
        "actions": list(lamp.actions(programme)), "claims": list(lamp.claims(programme, account=ACCOUNT)),
        "proof": lamp.proof(programme, ACCOUNT), "epochs": list(lamp.epochs(programme)),
        "epoch": lamp.epoch(programme, 1), "terms": lamp.terms(programme, 1),
        "results": list(lamp.results(programme, 1)), "evidence": list(lamp.evidence(programme, 1)),
        "leaderboard": list(lamp.leaderboard(programme, 1)), "account": list(lamp.account(ACCOUNT)), "me": lamp.me(),
        "makers": list(lamp.makers()), "standing": lamp.standing(*at), "live": next(lamp.live(*at)),
        "scores": list(lamp.scores(*at, market=MARKETS[0])), "allocations": list(lamp.allocations(*at)),
        "payments": list(lamp.payments(*at)),
    }  # fmt: skip


def of_treasury(lamp, programme: str) -> dict:
    asked = lamp.what_if_ask(programme, epochs=[1, 2], after="version-1")
    found = {
        "what-if-terms": list(lamp.what_if_terms(programme)), "what-if-ask": asked,
        "what-ifs": list(lamp.what_ifs(programme)), "what-if": lamp.what_if(asked.id),
    }  # fmt: skip
    from lamplight_client import NotAvailableError

    with pytest.raises(NotAvailableError):
        list(lamp.what_if_rows(asked.id))
    return found | {"what-if-rows": [], "what-if-cancel": lamp.what_if_cancel(asked.id)}


@live_server
def test_every_method_gives_typed_rows_of_a_running_server(stage, server, described, tmp_path):
    from lamplight_client import Lamplight, NotFoundError, SignInNeededError

    url, programme = f"http://127.0.0.1:{server}", stage.program.slug
    WebhookEndpoint.objects.create(maker=Maker.objects.get(slug="aurora"), url="https://maker.example/h", secret=b"")
    make_terms_version(stage.program, boosts={**BOOSTS, "weekend": 150})
    make_what_if(stage.program)
    with Lamplight(url, key=by_key("own maker", "read:own").key) as lamp:
        found = of_scene(lamp, programme)
        # Two rows a page, so that there are several; the same rows as a file.
        assert list(lamp.epochs(programme, limit=2)) == found["epochs"]
        assert [len(page) for page in lamp.epochs(programme, limit=2).pages()] == [2, 1]
        lamp.epochs(programme, limit=2).save_csv(tmp_path / "epochs.csv")
        lines = (tmp_path / "epochs.csv").read_bytes().split(b"\r\n")
        assert [line.split(b",")[3] for line in lines[1:] if line] == [b"3", b"2", b"1"]
        files = lamp.epochs(programme, limit=2).save_parquet(tmp_path / "epochs")
        assert [parquet.read_table(each).column("number").to_pylist() for each in files] == [[3, 2], [1]]
        with pytest.raises(NotFoundError, match="/api/problems/#not_found") as refused:
            lamp.epoch(programme, 99)
        assert refused.value.request_id
    with Lamplight(url, key=by_key("own maker's admin", "read:webhooks").key) as lamp:
        found["maker-webhooks"] = list(lamp.maker_webhooks("aurora"))
    with Lamplight(url, key=by_key("treasurer", "ask:what-ifs", "read:webhooks").key) as lamp:
        found |= of_treasury(lamp, programme) | {"treasury-webhooks": list(lamp.treasury_webhooks())}
    with Lamplight(url) as lamp, pytest.raises(SignInNeededError):
        lamp.me()
    # These need quotes that were replayed: the next test.
    assert set(found) == set(operations(described)) - {"quotes", "reasons", "orders"}
    epoch, standing = found["epoch"], found["standing"]
    assert (type(epoch.budget_raw), epoch.start) == (int, datetime.fromtimestamp(epoch.start_ms / 1000, UTC))
    assert standing.payout_raw == sum(row.payout_raw for row in found["allocations"]) == found["live"].payout_raw
    assert {type(found[name][0]).__name__ for name in ("leaderboard", "scores")} == {"Leader", "Score"}
    assert found["what-if-cancel"].state == "cancelled"
    assert found["maker-webhooks"][0].url == "https://maker.example/h"


@live_server
def test_quotes_reasons_and_orders_come_typed(server, tmp_path, settings):
    from lamplight_client import Lamplight

    settings.EVIDENCE_DIR = tmp_path / "evidence"
    epoch, _ = random_epoch(tmp_path, 1)
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    terms = json.loads(epoch.terms_json)
    market, at_ms = sorted(terms["markets"])[0], (epoch.start_ms + epoch.end_ms) // 2
    with Lamplight(f"http://127.0.0.1:{server}", key=by_key("auditor", "read:all").key) as lamp:
        seen = 0
        for maker in lamp.makers():
            where = (maker.maker, epoch.program.slug, epoch.number, market)
            seen += len(lamp.orders(*where, at_ms=at_ms).orders)
            rows, (whole, *_) = list(lamp.quotes(*where)), [*lamp.quotes(*where, by="epoch"), None]
            assert sum(row.credit for row in rows) == (whole.credit if whole else 0)
            assert all(row.start < row.end for row in lamp.reasons(*where))
        assert seen


def test_rows_and_routes_are_those_of_the_description(described, tmp_path):
    (tmp_path / "openapi.json").write_text(json.dumps(described))
    subprocess.run([sys.executable, CLIENT / "generate.py", tmp_path / "openapi.json", tmp_path], check=True)
    ruff = [sys.executable, "-m", "ruff", "format", "--quiet", "--config", "pyproject.toml"]
    subprocess.run([*ruff, tmp_path / "rows.py", tmp_path / "routes.py"], check=True, cwd=settings.BASE_DIR)
    for name in ("rows.py", "routes.py"):
        assert (tmp_path / name).read_text() == (CLIENT / "lamplight_client" / name).read_text(), "run `make client`"


def test_each_route_has_a_method_and_each_code_an_error(described):
    from lamplight_client import Lamplight, ProblemError
    from lamplight_client.errors import BY_CODE

    for name in operations(described):
        assert callable(getattr(Lamplight, name.replace("-", "_"))), name
    assert set(BY_CODE) == set(KINDS)
    assert all(issubclass(each, ProblemError) for each in BY_CODE.values())


class Service:
    """A server that answers as it is told, one after the other, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked, self.slept = list(answers), [], []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, url: str = "https://lamplight.example", **how: object):
        from lamplight_client import Lamplight

        return Lamplight(url, transport=httpx.MockTransport(self), sleep=self.slept.append, **how)


ME = {"username": "bot", "role": "maker", "by": "key", "key_prefix": "abc", "scopes": [], "expires": None,
      "makers": ["aurora"], "new": "column of a later version"}  # fmt: skip


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"type": "t", "title": "T", "status": status, "code": code, "detail": "Do this."}
    kind = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(body), headers={**kind, **headers})


def test_the_client_waits_as_long_as_it_is_told_and_asks_again():
    service = Service(
        problem(429, "too_many_requests", **{"Retry-After": "7"}), httpx.Response(503), httpx.ConnectError("gone"),
        httpx.Response(200, json=ME),
    )  # fmt: skip
    assert service.client().me().makers == ("aurora",)
    assert service.slept == [7.0, 1.0, 2.0]


def test_a_wait_that_is_too_long_and_a_server_that_stays_away_are_errors():
    from lamplight_client import ConnectionFailedError, TooManyRequestsError, UnexpectedAnswerError

    with pytest.raises(TooManyRequestsError) as refused:
        Service(problem(429, "too_many_requests", **{"Retry-After": "300"})).client().me()
    assert refused.value.retry_after_s == 300
    with pytest.raises(ConnectionFailedError):
        Service(*[httpx.ConnectError("gone")] * 3).client(tries=3).me()
    with pytest.raises(UnexpectedAnswerError):
        Service(httpx.Response(404, text="<html>")).client().me()
    with pytest.raises(UnexpectedAnswerError, match="another version"):
        Service(httpx.Response(200, json={**ME, "makers": None})).client().me()


def test_what_changes_something_is_not_sent_twice_when_nobody_knows_whether_it_came():
    from lamplight_client import ConnectionFailedError

    service = Service(httpx.ReadTimeout("silent"))
    with pytest.raises(ConnectionFailedError):
        service.client().what_if_cancel(1)
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_changes_something_is_not_sent_again_when_a_proxy_gives_up_waiting(status):
    from lamplight_client import UnexpectedAnswerError

    service = Service(httpx.Response(status))
    with pytest.raises(UnexpectedAnswerError):
        service.client().what_if_cancel(1)
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_changes_something_is_sent_again_when_the_service_says_when(status):
    from lamplight_client import NotFoundError

    service = Service(httpx.Response(status, headers={"Retry-After": "3"}), problem(404, "not_found"))
    with pytest.raises(NotFoundError):
        service.client().what_if_cancel(1)
    assert (len(service.asked), service.slept) == (2, [3.0])


def test_what_has_not_changed_is_not_sent_again():
    service = Service(httpx.Response(200, json=ME, headers={"ETag": '"1"'}), httpx.Response(304))
    client = service.client()
    first, again = client.me(), client.me()
    assert (first.username, again) == ("bot", first)
    assert service.asked[1].headers["If-None-Match"] == '"1"'


def test_the_key_goes_to_no_other_host_and_never_in_the_clear():
    from lamplight_client import InsecureAddressError

    page = {"items": [], "next": "https://elsewhere.example/api/v1/makers?cursor=abc"}
    service = Service(httpx.Response(200, json=page), httpx.Response(200, json={"items": [], "next": None}))
    assert list(service.client(key="lamp_x").makers(limit=5)) == []
    assert [str(each.url) for each in service.asked] == [
        "https://lamplight.example/api/v1/makers?limit=5", "https://lamplight.example/api/v1/makers?limit=5&cursor=abc",
    ]  # fmt: skip
    with pytest.raises(InsecureAddressError):
        Service().client("http://lamplight.example", key="lamp_x")


def test_a_name_leads_nowhere_else_and_a_moment_needs_its_zone():
    from lamplight_client import NotFoundError

    service = Service(problem(404, "not_found"))
    with pytest.raises(NotFoundError):
        service.client().programme("../makers")
    assert service.asked[0].url.raw_path == b"/api/v1/programmes/..%2Fmakers"
    for name in ("", "..", "."):
        with pytest.raises(ValueError, match="no name"):
            service.client().programme(name)
    with pytest.raises(ValueError, match="time zone"):
        list(service.client().epochs("p", from_ms=datetime(2026, 1, 1)))
