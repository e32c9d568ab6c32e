"""What somebody who writes a client relies on: the headers, the forms, and that a slip is told and not passed over."""

import json

import pytest
from django.test import Client

from rewards.api import limits
from tests.api.asking import by_key
from tests.api.test_access_of_api import ROUTES, url_of
from tests.pages.factories import MARKETS, make_what_if

pytestmark = pytest.mark.django_db
LIVE = {"number": 1}


def words(header: str) -> set[str]:
    return {each.strip().lower() for each in header.split(",")}


@pytest.fixture
def program(stage):
    make_what_if(stage.program)
    return by_key("auditor", "read:all")


@pytest.mark.parametrize("route", ["leaderboard", "scores", "standing", "me", "openapi"])
def test_head_says_what_get_says_and_a_tag_holds_for_its_form(program, route):
    path = url_of(route)
    for coding in ("identity", "gzip"):
        got = program.get(path, HTTP_ACCEPT_ENCODING=coding)
        head = program.client.head(
            path, HTTP_ACCEPT="application/json", HTTP_AUTHORIZATION=f"Bearer {program.key}",
            HTTP_ACCEPT_ENCODING=coding,
        )  # fmt: skip
        assert (head.status_code, head.content) == (200, b"")
        for name in ("ETag", "Content-Type", "Vary", "Cache-Control"):
            assert head.headers[name] == got.headers[name], name
        assert words(got.headers["Vary"]) >= {"accept", "accept-encoding", "authorization", "cookie"}
        assert got.headers["ETag"].startswith("W/") == (got.headers.get("Content-Encoding") == "gzip")
        for ask in (program.client.get, program.client.head):
            known = ask(path, HTTP_ACCEPT="application/json", HTTP_AUTHORIZATION=f"Bearer {program.key}",
                        HTTP_ACCEPT_ENCODING=coding, HTTP_IF_NONE_MATCH=got.headers["ETag"])  # fmt: skip
            assert (known.status_code, known.content) == (304, b"")
            assert known.headers["ETag"] == got.headers["ETag"]
            assert "RateLimit" in known.headers


def test_who_does_not_unpack_gzip_is_sent_none(program):
    for path in (url_of("leaderboard"), "/"):
        packed = program.get(path, accept="*/*", HTTP_ACCEPT_ENCODING="br, gzip;q=0.1")
        assert packed.headers["Content-Encoding"] == "gzip"
        for coding in ("gzip;q=0", "x-gzip", "gzip; q=0.0, identity", "br"):
            answer = program.get(path, accept="*/*", HTTP_ACCEPT_ENCODING=coding)
            assert "Content-Encoding" not in answer.headers, coding
            assert "accept-encoding" in words(answer.headers["Vary"])


def test_an_empty_accept_is_as_good_as_none(program):
    assert program.get(url_of("leaderboard"), accept="").headers["Content-Type"] == "application/json"


def test_a_number_that_no_epoch_can_have_is_not_found(program):
    for route in [name for name in ROUTES if "number" in ROUTES[name][0]]:
        for number in (10**12, 10**30):
            answer = program.get(url_of(route, number=number), accept="*/*")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), route


def test_a_parameter_that_a_route_does_not_know_is_an_error_on_every_route(program):
    keepers = {"maker-webhooks": "own maker's admin", "treasury-webhooks": "treasurer"}
    for route in ROUTES:
        asker = by_key(keepers[route], "read:webhooks") if route in keepers else program
        answer = asker.get(url_of(route) + "?sate=live", accept="*/*")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter"), route
        assert answer.json()["errors"][0]["parameter"] == "sate"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("programmes/us-equity-perps/epochs?state=lve", "state: “lve” is none of scheduled, live, "),
        ("programmes/us-equity-perps/sessions?kind=week", "kind: “week” is none of "),
        ("programmes/us-equity-perps/claims?account=0x12", "account: Write 0x and 40 hexadecimal digits."),
    ],
)
def test_a_value_that_a_parameter_can_not_have_is_told_with_those_that_it_can(program, path, says):
    answer = program.get(path)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(says)


@pytest.mark.parametrize("route", ["scores", "allocations"])
def test_a_market_with_a_wrong_name_is_not_one_without_rows(program, route):
    assert program.get(url_of(route) + f"?market={MARKETS[0]}").json()["items"]
    answer = program.get(url_of(route) + "?market=APL-PERP")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "APL-PERP" in answer.json()["detail"]


def test_an_address_below_the_api_that_leads_nowhere_is_a_problem_and_no_page():
    for path in ("/api/v1", "/api/v1/", "/api/", "/api/v2/programmes", "/api/v1/programmes/", "/api/v1/x"):
        answer = Client().get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), path


def test_pages_about_the_api_are_pages():
    assert Client().get("/api/docs/x").headers["Content-Type"].startswith("text/html")


def test_one_request_too_many_is_told_with_what_is_left_and_when(program, settings):
    settings.API_LIMIT_SIGNED_IN = 0
    limits.forget()
    answer = program.get(url_of("me"))
    assert answer.status_code == 429
    wait_s = int(answer.headers["Retry-After"])
    assert answer.headers["RateLimit"] == f'"api";r=0;t={wait_s}'
    assert answer.headers["RateLimit-Policy"] == '"api";q=0;w=300'
    # The description costs the server something, too.
    assert program.get(url_of("openapi"), accept="*/*").status_code == 429


def test_the_stream_has_the_headers_and_the_errors_of_the_other_routes(program):
    path = url_of("live", **LIVE)
    head = program.client.head(path, HTTP_ACCEPT="text/event-stream", HTTP_AUTHORIZATION=f"Bearer {program.key}")
    assert (head.status_code, head.content) == (200, b"")
    stream = program.get(path, accept="text/event-stream")
    for answer in (head, stream):
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["RateLimit"]
        assert "authorization" in words(answer.headers["Vary"])
    assert program.get(path, accept="*/*").headers["Content-Type"] == "text/event-stream"
    wrong = program.get(path, accept="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (406, "not_acceptable")


def test_the_description_is_the_same_in_both_forms_and_takes_reads_alone(program):
    as_json = program.get(url_of("openapi"), accept="application/json")
    as_openapi = program.get(url_of("openapi"), accept="*/*")
    assert as_openapi.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert json.loads(as_json.content) == json.loads(as_openapi.content)
    for method in ("options", "post", "put", "trace"):
        answer = getattr(program.client, method)(url_of("openapi"))
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD"
