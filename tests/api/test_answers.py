"""What answers of the API are like: rows as described, pages, forms, ETags, limits, and errors that say what to do."""

import csv
import io
import json

import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pyarrow import parquet

from rewards.api.base import ApiView, ListView
from rewards.calendars import days_later_ms
from tests.api.asking import Caller, by_key, by_session
from tests.api.test_access_of_api import ROUTES, url_of
from tests.pages.factories import CLOCK, MARKETS, PROFILES, TOKEN, make_epoch, make_what_if, ms, pays

pytestmark = pytest.mark.django_db
JSON_ROUTES = [
    name for name in ROUTES if name not in ("openapi", "live", "quotes", "reasons", "orders", "what-if-rows")
]
PROBLEM = "application/problem+json"


def views() -> dict[str, type[ApiView]]:
    found, waiting = {}, [ApiView]
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.name and each.name != "live":
            found[each.name] = each
    return found


@pytest.fixture(autouse=True)
def _rows(stage):
    make_what_if(stage.program)


def test_every_row_has_exactly_the_columns_that_the_schema_names(stage):
    caller = by_session("operator")
    for name in JSON_ROUTES:
        body = caller.get(url_of(name)).json()
        columns = set(views()[name].row().fields)
        for row in body["items"] if issubclass(views()[name], ListView) else [body]:
            assert set(row) == columns, name


def test_amounts_are_strings_of_the_smallest_unit_and_times_come_twice(stage):
    row = by_session("nobody").get(url_of("leaderboard", number=2)).json()["items"][0]
    best = {maker: sum(pays(PROFILES, index)[maker] for index in range(4)) for maker in PROFILES}
    assert row["payout_raw"] == str(max(best.values()))
    assert (row["token_symbol"], row["token_decimals"]) == ("LAMP", 18)
    # Midnight in New York on 24 November 2025, when winter time holds.
    assert (row["as_of_ms"], row["as_of"]) == (ms(2025, 11, 24), "2025-11-24T05:00:00.000Z")


def test_pages_follow_one_another_without_a_gap_or_a_row_twice(stage):
    caller, path, seen = by_session("nobody"), url_of("leaderboard") + "?limit=3", []
    while path:
        answer = caller.get(path)
        body = answer.json()
        seen += [row["maker"] for row in body["items"]]
        assert answer.headers.get("Link", "") == (f'<{body["next"]}>; rel="next"' if body["next"] else "")
        path = body["next"] and body["next"].removeprefix("http://testserver")
    whole = caller.get(url_of("leaderboard")).json()["items"]
    assert seen == [row["maker"] for row in whole]
    assert len(seen) == len(set(seen)) == len(PROFILES)


def test_a_page_goes_on_where_the_one_before_ended_though_rows_have_come(stage):
    caller = by_session("nobody")
    first = caller.get(url_of("epochs") + "?limit=2").json()
    assert [row["number"] for row in first["items"]] == [3, 2]
    make_epoch(stage.program, 4, ms(2025, 12, 1), ms(2025, 12, 8))
    rest = caller.get(first["next"].removeprefix("http://testserver")).json()
    assert [row["number"] for row in rest["items"]] == [1]


def test_a_market_says_where_it_trades_and_what_an_order_there_needs(stage):
    rows = by_session("nobody").get(url_of("markets")).json()["items"]
    assert [row["market"] for row in rows] == list(MARKETS)
    row = rows[0]
    assert {name: row[name] for name in ("venue", "contract", "tick_size", "epoch", "min_rest_ms", "chain_id")} == {
        "venue": "demo", "contract": "0x" + "ee" * 20, "tick_size": "0.01", "epoch": 3, "min_rest_ms": 500,
        "chain_id": stage.program.chain_id,
    }  # fmt: skip
    assert row["max_spread_bps"]["weekend"] == 100


def test_sessions_past_and_coming_are_told_by_the_chains_clock(stage):
    rows = by_session("nobody").get(url_of("sessions") + "?epoch=3").json()["items"]
    now = [row for row in rows if row["when"] == "now"]
    assert [(row["kind"], row["start_ms"] <= CLOCK < row["end_ms"]) for row in now] == [("regular", True)]
    thanksgiving = [row for row in rows if row["kind"] == "holiday"]
    assert {row["boost_percent"] for row in thanksgiving} == {300}
    assert {row["when"] for row in thanksgiving} == {"coming"}


@pytest.mark.parametrize(("query", "numbers"), [
    ("state=live", [3]), ("state=active", [1]), (f"from_ms={ms(2025, 11, 17)}", [3, 2]),
    (f"to_ms={ms(2025, 11, 17)}", [1]), (f"from_ms={ms(2025, 11, 17)}&to_ms={ms(2025, 11, 24)}", [2]),
])  # fmt: skip
def test_epochs_are_filtered_by_state_and_time(stage, query, numbers):
    rows = by_session("nobody").get(f"{url_of('epochs')}?{query}").json()["items"]
    assert [row["number"] for row in rows] == numbers


def test_tables_are_the_same_rows_in_json_csv_and_parquet(stage):
    caller = by_key("own maker", "read:own")
    for name in ("scores", "allocations", "payments", "leaderboard", "sessions"):
        rows = caller.get(url_of(name)).json()["items"]
        text = caller.get(url_of(name), accept="text/csv")
        assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert list(csv.DictReader(io.StringIO(text.content.decode()))) == [
            {key: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
             for key, value in row.items()} for row in rows
        ]  # fmt: skip
        table = parquet.read_table(
            pa.BufferReader(caller.get(url_of(name), accept="application/vnd.apache.parquet").content)
        )
        assert table.to_pylist() == rows
    assert table.schema.field("boost_percent").metadata[b"unit"] == b"percent"


def test_a_name_that_a_spreadsheet_would_run_is_text_in_csv(stage):
    from accounts.models import Maker

    Maker.objects.filter(slug="aurora").update(name="=HYPERLINK(1)")
    text = by_session("nobody").get(url_of("leaderboard"), accept="text/csv").content.decode()
    assert "'=HYPERLINK(1)" in text


def test_an_etag_spares_who_has_the_answer_and_changes_with_it(stage):
    caller, path = by_session("nobody"), url_of("leaderboard", number=3)
    first = caller.get(path)
    assert first.headers["ETag"].startswith('"')
    assert first.headers["Cache-Control"] == "no-cache"
    again = caller.get(path, HTTP_IF_NONE_MATCH=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    packed = caller.get(path, HTTP_ACCEPT_ENCODING="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    # The same content in other bytes: only a weak tag is true of both.
    assert packed.headers["ETag"] == f"W/{first.headers['ETag']}"
    assert caller.get(path, HTTP_IF_NONE_MATCH=packed.headers["ETag"]).status_code == 304
    assert caller.get(path, accept="text/csv").headers["ETag"] != first.headers["ETag"]
    assert {"Accept", "Authorization", "Cookie"} <= {each.strip() for each in first.headers["Vary"].split(",")}
    stage.live.standings.filter(maker="aurora").update(estimate=TOKEN)
    assert caller.get(path, HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 200


def test_private_answers_are_for_nobody_elses_cache(stage):
    answer = by_key("own maker", "read:own").get(url_of("scores"))
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(("method", "path", "headers", "status", "code"), [
    ("get", "/api/v1/nothing", {}, 404, "not_found"),
    ("get", "/api/v1/programmes/nothing", {}, 404, "not_found"),
    ("get", "/api/v1/programmes?limit=0", {}, 400, "invalid_parameter"),
    ("get", "/api/v1/programmes?limit=1&limit=2", {}, 400, "invalid_parameter"),
    ("get", "/api/v1/programmes?limits=5", {}, 400, "invalid_parameter"),
    ("get", "/api/v1/programmes?cursor=AAAA", {}, 400, "invalid_cursor"),
    ("get", "/api/v1/programmes?cursor=WyJcdTAwMDAiXQ", {}, 400, "invalid_cursor"),
    ("get", "/api/v1/programmes?cursor=%00", {}, 400, "invalid_parameter"),
    ("get", "/api/v1/programmes/us-equity-perps/claims?account=0x12", {}, 400, "invalid_parameter"),
    ("get", "/api/v1/me", {}, 401, "sign_in_needed"),
    ("get", "/api/v1/me", {"HTTP_AUTHORIZATION": "Bearer lamp_nothing"}, 401, "key_refused"),
    ("get", "/api/v1/me", {"HTTP_AUTHORIZATION": "Basic YTpi"}, 401, "key_refused"),
    ("get", "/api/v1/programmes", {"HTTP_AUTHORIZATION": "Bearer lamp_nothing"}, 401, "key_refused"),
    ("post", "/api/v1/programmes", {}, 405, "method_not_allowed"),
    ("options", "/api/v1/programmes", {}, 405, "method_not_allowed"),
    ("get", "/api/v1/programmes", {"HTTP_ACCEPT": "text/html"}, 406, "not_acceptable"),
    ("get", "/api/v1/programmes/us-equity-perps", {"HTTP_ACCEPT": "text/csv"}, 406, "not_acceptable"),
])  # fmt: skip
def test_every_error_is_a_problem_with_a_code_and_a_sentence(stage, settings, method, path, headers, status, code):
    answer = getattr(Caller(by_session("nobody").client).client, method)(path, **headers)
    body = json.loads(answer.content)
    assert (answer.status_code, answer.headers["Content-Type"], body["code"]) == (status, PROBLEM, code)
    assert body["status"] == status
    assert body["type"] == f"{settings.SITE_URL}/api/problems/#{code}"
    assert body["detail"].endswith(".")
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert status != 405 or answer.headers["Allow"] == "GET, HEAD"
    assert f'id="{code}"' in Client().get("/api/problems/").content.decode()


def test_what_nobody_expected_is_a_problem_too(stage, monkeypatch):
    def break_(**_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("rewards.api.epochs.standings", break_)
    caller = by_session("nobody")
    caller.client.raise_request_exception = False
    answer = caller.get(url_of("leaderboard"))
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["code"]) == (500, PROBLEM, "failed")
    assert "defect" not in answer.content.decode()


def test_what_lies_beyond_a_calendar_is_told_and_is_no_fault_of_ours(stage, monkeypatch):
    monkeypatch.setattr("rewards.api.epochs.standings", lambda **_: days_later_ms("XNYS", 10**15, 1))
    answer = by_session("nobody").get(url_of("leaderboard"))
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["code"]) == (
        409,
        PROBLEM,
        "not_available",
    )
    assert answer.json()["detail"].startswith("Calendar XNYS knows the exchange's days until 2200-12-31:")


def test_too_many_requests_are_told_how_long_to_wait_and_each_key_counts_by_itself(stage, settings):
    settings.API_LIMIT_ANYBODY, settings.API_LIMIT_SIGNED_IN = 3, 2
    nobody, key, other = by_session("nobody"), by_key("own maker", "read:own"), by_key("other maker", "read:own")
    left = [nobody.get("programmes").headers["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=2", "r=1", "r=0"]
    answer = nobody.get("programmes")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    assert answer.headers["RateLimit-Policy"] == '"api";q=3;w=300'
    assert [key.get("programmes").status_code for _ in range(3)] == [200, 200, 429]
    assert other.get("programmes").status_code == 200
    assert nobody.client.get("/api/v1/programmes", REMOTE_ADDR="203.0.113.9").status_code == 200


def test_limits_hold_over_all_processes(stage, settings):
    from rewards.api import limits

    settings.API_LIMIT_ANYBODY = 40
    nobody, answers = by_session("nobody"), []
    for _ in range(45):
        answers.append(nobody.get("programmes").status_code)
        if len(answers) % 5 == 0:
            # Another process has taken nothing ahead.
            limits.forget()
    assert answers.count(200) <= 40
    assert answers[-1] == 429


def test_a_route_asks_the_database_the_same_however_much_there_is(stage):
    caller = by_key("own maker", "read:own")

    def counts() -> dict[str, int]:
        found = {}
        for name in JSON_ROUTES:
            caller.get(url_of(name))
            with CaptureQueriesContext(connection) as queries:
                caller.get(url_of(name))
            found[name] = len(queries)
        return found

    before = counts()
    for number, day in ((4, 1), (5, 8), (6, 15)):
        make_epoch(stage.program, number, ms(2025, 12, day), ms(2025, 12, day + 7))
    assert counts() == before
    assert max(before.values()) <= 20


def test_the_description_is_openapi_3_1_and_the_page_that_shows_it_is_from_here_alone(stage):
    caller = by_session("nobody")
    described = caller.get(url_of("openapi"), accept="*/*").json()
    assert described["openapi"] == "3.1.0"
    assert {each["get"]["operationId"] for each in described["paths"].values()} == set(ROUTES) - {"openapi"}
    # Found by make fuzz-api: a field that is not known is refused, so the description has to say so.
    assert described["components"]["schemas"]["WhatIfBody"]["additionalProperties"] is False
    page = caller.get("/api/docs/", accept="text/html").content.decode()
    assert all(" src=" in tag and "://" not in tag.split(">")[0] for tag in page.split("<script")[1:])
    assert "<style" not in page
