"""Every line of the log is one object with the id of the request or task it belongs to, and holds no secret."""

import json
import logging
import re

import pytest
import structlog
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from audit.context import facts_now
from config.celery import app
from config.logs.requests import LONGEST_PATH
from config.logs.scrubbing import HIDDEN, forget_secrets, scrubbed
from config.logs.setup import LogSettingError, formatter, logging_config
from config.urls import handler400, handler403, handler404, handler500, urlpatterns
from rewards.services.notices.signing import new_secret
from tests.watching.lines import lines_written

__all__ = ["handler400", "handler403", "handler404", "handler500"]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PRIVATE_KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SIGNATURE = "0x" + "5a" * 65
ROOT = "0x" + "ab" * 32
API_KEY = "lamp_q2w3e4r5t6y7_" + "Zx" * 21
HEX = re.compile(r"[0-9a-f]{32}")


def fails(request: HttpRequest) -> HttpResponse:
    """Break, with everything that a careless line could hold in its words."""
    headers = {name: value for name, value in request.headers.items() if name in ("Authorization", "Cookie")}
    raise RuntimeError(f"{headers} {dict(request.POST)} {PRIVATE_KEY} root {ROOT}")


def forbids(_request: HttpRequest) -> HttpResponse:
    """Refuse."""
    raise PermissionDenied("Not yours.")


def says(request: HttpRequest) -> HttpResponse:
    """Write as a library would, and tell which id the audit log would keep."""
    logging.getLogger("some.library").warning("Asking %s", "https://user:hunter2hunter2@node.example/v1")
    structlog.get_logger("ours").info("asked", api_key="abc", headers={"authorization": "Basic abc"}, root=ROOT)
    return HttpResponse(str(facts_now()["request"]))


urlpatterns = [path("fails/", fails), path("forbids/", forbids), path("says/", says, name="says"), *urlpatterns]


def test_a_request_that_carries_secrets_and_fails_leaves_none_of_them_in_the_log(settings):
    settings.SIGNERS = {**settings.SIGNERS, "RELAYER": {**settings.SIGNERS["RELAYER"], "key": PRIVATE_KEY}}
    person = get_user_model().objects.create_user(username="olga", role="operator")
    webhook, client = new_secret(), Client(raise_request_exception=False)
    client.force_login(person)
    session = client.session.session_key
    form = {"signature": SIGNATURE, "csrfmiddlewaretoken": "c5rf" * 16, "password": "lamps-burn", "secret": webhook}
    with lines_written(level=logging.DEBUG) as written:
        answer = client.post(
            "/fails/?token=in-a-query", form, headers={"Authorization": f"Bearer {API_KEY}", "User-Agent": "bot"}
        )
    assert answer.status_code == 500
    (line,) = written.of("request_failed")
    assert line["exception"].startswith("Traceback")
    assert f"root {ROOT}" in line["exception"]
    text = written.getvalue()
    for secret in (API_KEY, session, SIGNATURE[2:], "c5rf", "lamps-burn", webhook, PRIVATE_KEY[2:], "in-a-query"):
        assert secret not in text
    assert "127.0.0.1" not in text


def test_all_loggers_write_the_same_objects_with_the_requests_id():
    with lines_written() as written:
        answer = Client().get("/says/")
    lines = written.all()
    assert {line["request_id"] for line in lines} == {answer.headers["X-Request-ID"]}
    assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in lines)
    library, ours, end = lines
    assert library["event"] == "Asking https://[hidden]@node.example/v1"
    assert (ours["api_key"], ours["headers"], ours["root"]) == ("[hidden]", {"authorization": "[hidden]"}, ROOT)
    assert {name: end[name] for name in ("event", "method", "path", "route", "status")} == {
        "event": "request_finished", "method": "GET", "path": "/says/", "route": "says", "status": 200,
    }  # fmt: skip


@pytest.mark.parametrize("given", ["short", "a" * 65, "has space in it", 'quote"and\\more', "späßchen-id"])
def test_an_id_that_is_not_well_formed_is_not_taken_over(given):
    taken = Client().get("/says/", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert HEX.fullmatch(taken)


def test_a_proxys_id_is_taken_over_and_the_audit_log_keeps_ours():
    with lines_written() as written:
        answer = Client().get("/says/", headers={"X-Request-ID": "edge-7f3a.0001"})
    own = answer.content.decode()
    assert answer.headers["X-Request-ID"] == "edge-7f3a.0001"
    assert HEX.fullmatch(own)
    assert {(line["request_id"], line["own_id"]) for line in written.all()} == {("edge-7f3a.0001", own)}


def test_a_person_is_a_number_in_the_log_and_only_where_the_page_asked_who_it_is(client):
    person = get_user_model().objects.create_user(username="olga", role="operator")
    client.force_login(person)
    with lines_written() as written:
        client.get("/status/")
        client.get("/says/")
    status, says_ = written.of("request_finished")
    assert status["user_id"] == person.pk
    assert "user_id" not in says_ or says_["user_id"] == person.pk
    assert "olga" not in written.getvalue()


@pytest.mark.parametrize(("address", "status"), [("/nowhere/", 404), ("/forbids/", 403), ("/fails/", 500)])
def test_a_page_that_says_what_went_wrong_shows_the_reference(address, status):
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == status
    assert f"Reference: <code>{answer.headers['X-Request-ID']}</code>" in answer.content.decode()


def test_what_machines_ask_every_few_seconds_is_not_worth_a_line():
    with lines_written() as written:
        Client().get("/healthz")
    assert written.all() == []


@app.task(name="tests.watching.work")
def work(fail: bool = False) -> None:
    logging.getLogger("worker.inside").warning("at it")
    if fail:
        raise RuntimeError("Authorization: Bearer abcdefghijk")


def test_a_tasks_lines_carry_its_name_and_id():
    with lines_written() as written:
        work.apply(task_id="t1")
        work.apply(kwargs={"fail": True}, task_id="t2")
    inside, *_ = written.of("at it")
    assert {name: inside.get(name) for name in ("task", "task_id")} == {
        "task": "tests.watching.work", "task_id": "t1",
    }  # fmt: skip
    (failed,) = written.of("task_failed")
    assert (failed["task_id"], failed["error"]) == ("t2", "Authorization: [hidden]")
    assert "abcdefghijk" not in written.getvalue()


def test_a_line_is_one_line_whatever_is_in_it():
    record = logging.LogRecord("x", logging.INFO, "", 0, "one\ntwo\r\n%s", ('{"event": "forged"}',), None)
    line = formatter(form="json").format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == 'one\ntwo\r\n{"event": "forged"}'


@pytest.mark.parametrize(
    ("form", "level", "sentence"),
    [
        ("xml", "INFO", "LOG_FORMAT is 'xml'. It can be json or console."),
        ("json", "LOUD", "LOG_LEVEL is 'LOUD'. It can be DEBUG, INFO, WARNING, ERROR or CRITICAL."),
    ],
)
def test_a_setting_that_can_not_be_is_refused_in_a_sentence(form, level, sentence):
    with pytest.raises(LogSettingError, match=f"^{re.escape(sentence)}$"):
        logging_config(form=form, level=level)


LONG = 60_000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "word",
    [
        "a-", "csrf", "csrf-", "secret", "secret-", "api_key ", "cookie ", "authorization: '", "bearer ", "lamp_",
        "whsec_", "whsec_/", "eyJ", "eyJ-", "eyJaaaaaaaa-", "eyJaaaaaaaa.", "0x", "://", "://a:", ":", "/notices/stop/",
        "secret [", "\n",
    ],
)  # fmt: skip
def test_a_long_text_of_anybodys_choice_does_not_hold_the_process_up(word):
    """With time by the square of the length this would be minutes; the marker ends it."""
    text = word * (LONG // len(word))
    for each in (text, f"secret{text}", f"cookie:{text}", f"{text}=", f"{text}@"):
        assert len(scrubbed(each)) <= len(each) + len(HIDDEN) * each.count("/")


@pytest.mark.timeout(30)
def test_a_long_address_is_answered_at_once_and_written_short():
    with lines_written(level=logging.DEBUG) as written:
        assert Client().get("/" + "a-" * (LONG // 2)).status_code == 404
    paths = [line["path"] for line in written.of("request_finished")]
    assert [len(path) for path in paths] == [LONGEST_PATH]
    assert max(len(line) for line in written.getvalue().splitlines()) < 2_000


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("x eyJhbGciOiJI.eyJzdWIi.abc_-1 y", "x [hidden] y"),
        ("csrfmiddlewaretoken=abc&x=1", "csrfmiddlewaretoken=[hidden]&x=1"),
        ("--api-key 'v1', my-api_key: 'v1'", "--api-key 'v1', my-api_key: '[hidden]'"),
        ("aeyJhbGciOiJI.a.b is-no-secret", "aeyJhbGciOiJI.a.b is-no-secret"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(text, clean):
    assert scrubbed(text) == clean


def test_keys_in_the_addresses_of_nodes_and_of_the_report_service_are_not_written(settings):
    settings.RPC_WS_URL = "wss://node.example/v2/k3y-of-the-node"
    settings.SENTRY_DSN = "https://0123456789abcdef@reports.example/7"
    forget_secrets()
    try:
        assert scrubbed("no answer of k3y-of-the-node by 0123456789abcdef") == "no answer of [hidden] by [hidden]"
    finally:
        forget_secrets()
