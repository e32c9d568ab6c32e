"""Who reads what by the API: every route against every role, by session and by key with each scope."""

import json

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.errors import NotPermittedError
from accounts.models import Maker
from rewards.models import Epoch, WebhookEndpoint, WhatIfJob
from tests.api.asking import ROLES, by_key, by_session
from tests.pages.factories import make_what_if

pytestmark = pytest.mark.django_db
OK, WHO, NO, MISSING, AWAITED = 200, 401, 403, 404, 409
PUBLIC = (OK,) * 11
SIGNED_IN = (WHO, *(OK,) * 10)
MEMBERS = (WHO, NO, OK, OK, NO, NO, *(OK,) * 5)
# Nothing has been replayed for these rows; what matters is who gets that far.
MEMBERS_FAR = (WHO, NO, MISSING, MISSING, NO, NO, *(MISSING,) * 5)
WATCHERS = (WHO, *(NO,) * 5, *(OK,) * 5)
AURORA = {"maker": "aurora", "programme": "us-equity-perps", "number": 1}
EPOCH = {"programme": "us-equity-perps", "number": 1}
MARKET = {**AURORA, "market": "AAPL-PERP"}
# route: (arguments, what each of ROLES gets by session)
ROUTES = {
    "programmes": ({}, PUBLIC),
    "programme": ({"programme": "us-equity-perps"}, PUBLIC),
    "sessions": ({"programme": "us-equity-perps"}, PUBLIC),
    "actions": ({"programme": "us-equity-perps"}, PUBLIC),
    "markets": ({"programme": "us-equity-perps"}, PUBLIC),
    "claims": ({"programme": "us-equity-perps"}, PUBLIC),
    "proof": ({"programme": "us-equity-perps", "account": "0x" + "00" * 18 + "3001"}, PUBLIC),
    "epochs": ({"programme": "us-equity-perps"}, PUBLIC),
    "epoch": (EPOCH, PUBLIC),
    "terms": (EPOCH, PUBLIC),
    "results": (EPOCH, PUBLIC),
    "evidence": (EPOCH, PUBLIC),
    "leaderboard": (EPOCH, PUBLIC),
    "account": ({"account": "0x" + "00" * 18 + "3001"}, PUBLIC),
    "openapi": ({}, PUBLIC),
    "me": ({}, SIGNED_IN),
    "makers": ({}, SIGNED_IN),
    "standing": (AURORA, MEMBERS),
    "scores": (AURORA, MEMBERS),
    "allocations": (AURORA, MEMBERS),
    "payments": (AURORA, MEMBERS),
    # An epoch that has not begun has nothing to follow.
    "live": ({**AURORA, "number": 9}, MEMBERS_FAR),
    "quotes": (MARKET, MEMBERS_FAR),
    "reasons": (MARKET, MEMBERS_FAR),
    "orders": (MARKET, MEMBERS_FAR),
    "maker-webhooks": ({"maker": "aurora"}, (WHO, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO)),
    "treasury-webhooks": ({}, (WHO, *(NO,) * 5, OK, NO, NO, OK, NO)),
    "what-if-terms": ({"programme": "us-equity-perps"}, WATCHERS),
    "what-ifs": ({"programme": "us-equity-perps"}, WATCHERS),
    "what-if": ({"what_if": 0}, WATCHERS),
    # It is still open.
    "what-if-rows": ({"what_if": 0}, (WHO, *(NO,) * 5, *(AWAITED,) * 5)),
}
PRIVATE = [name for name, (_, answers) in ROUTES.items() if answers[0] == WHO]
OF_MAKER = [name for name in PRIVATE if "programme" in ROUTES[name][0] and "maker" in ROUTES[name][0]]
OF_TREASURY = [name for name in PRIVATE if name.startswith("what-if")]
WRITES = {("what-ifs", "post"), ("what-if", "delete")}


def url_of(name: str, **changes: object) -> str:
    given = {**ROUTES[name][0], **changes}
    if "what_if" in given:
        given["what_if"] = given["what_if"] or WhatIfJob.objects.earliest("pk").pk
    return reverse(f"api:{name}", kwargs=given)


@pytest.fixture(autouse=True)
def _rows(stage):
    WebhookEndpoint.objects.create(maker=Maker.objects.get(slug="aurora"), url="https://maker.example/h", secret=b"")
    make_what_if(stage.program)


def test_every_route_stands_in_the_table():
    api = next(each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "api")
    assert {each.name for each in api.url_patterns} == set(ROUTES)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reads_what_the_table_says_with_a_session(role):
    caller, column = by_session(role), ROLES.index(role)
    found = {name: caller.get(url_of(name)).status_code for name in ROUTES}
    assert found == {name: answers[column] for name, (_, answers) in ROUTES.items()}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "nobody"])
def test_a_key_without_a_scope_for_it_reads_no_more_than_everybody(role):
    own, hooks = by_key(role, "read:own"), by_key(role, "read:webhooks")
    for name in OF_MAKER:
        assert hooks.get(url_of(name)).status_code == NO, name
    for name in ("maker-webhooks", "treasury-webhooks", *OF_TREASURY):
        assert own.get(url_of(name)).status_code == NO, name
    for name in ROUTES:
        if name not in PRIVATE:
            assert own.get(url_of(name)).status_code == OK, name


@pytest.mark.parametrize("role", ["own maker", "own maker's admin", "other maker", "provider", "treasurer"])
def test_a_key_that_reads_ones_own_reads_the_makers_of_its_person_and_no_other(role):
    key = by_key(role, "read:own")
    for name in OF_MAKER:
        expected = ROUTES[name][1][ROLES.index(role)] if "maker" in role else NO
        assert key.get(url_of(name)).status_code == expected, name
    seen = [row["maker"] for row in key.get("makers").json()["items"]]
    assert seen == {"own maker": ["aurora"], "own maker's admin": ["aurora"], "other maker": ["meridian"]}.get(role, [])


@pytest.mark.parametrize("role", ["treasurer", "reviewer", "guardian", "operator", "auditor"])
def test_a_watchers_key_for_all_reads_every_maker_until_the_role_is_gone(role):
    key = by_key(role, "read:all")
    for name in OF_MAKER:
        assert key.get(url_of(name)).status_code == ROUTES[name][1][ROLES.index(role)], name
    assert len(key.get("makers").json()["items"]) == Maker.objects.count()
    from accounts.models import User

    User.objects.filter(username=f"a {role}").update(role="provider")
    assert {key.get(url_of(name)).status_code for name in OF_MAKER} == {NO}


def test_nothing_but_what_ifs_can_be_changed_by_the_api():
    callers = [by_session("treasurer"), by_key("treasurer", "read:all"), by_key("own maker", "read:own")]
    before = Epoch.objects.values().order_by("pk")
    for caller in callers:
        headers = {"HTTP_AUTHORIZATION": f"Bearer {caller.key}"} if caller.key else {}
        for name in ROUTES:
            for method in ("post", "put", "patch", "delete"):
                if (name, method) in WRITES:
                    continue
                answer = getattr(caller.client, method)(url_of(name), **headers)
                assert answer.status_code == 405, (name, method)
    assert list(before) == list(Epoch.objects.values().order_by("pk"))


@pytest.mark.parametrize("role", [role for role in ROLES if role != "nobody"])
def test_a_what_if_is_asked_by_treasurers_and_reviewers_and_by_a_key_with_that_scope_alone(role):
    may = role in ("treasurer", "reviewer")
    question = json.dumps({"epochs": [1], "after": "version-1"})
    callers = [(by_session(role), may), (by_key(role, "read:own"), False)]
    if role in ("treasurer", "reviewer", "guardian", "operator", "auditor"):
        callers.append((by_key(role, "read:all"), False))
    if may:
        callers.append((by_key(role, "ask:what-ifs"), True))
    else:
        with pytest.raises(NotPermittedError):
            by_key(role, "ask:what-ifs")
    for caller, allowed in callers:
        headers = {"HTTP_AUTHORIZATION": f"Bearer {caller.key}"} if caller.key else {}
        answer = caller.client.post(url_of("what-ifs"), question, content_type="application/json", **headers)
        # There is no version 1 of the terms here; what matters is who gets that far.
        assert (answer.status_code, answer.json()["code"]) == (
            (409, "refused") if allowed else (NO, answer.json()["code"])
        )
        answer = caller.client.delete(url_of("what-if"), **headers)
        assert answer.status_code == (409 if allowed else NO)
    assert WhatIfJob.objects.get().state == "waiting"


def test_a_session_changes_nothing_without_the_token_of_our_pages():
    person = by_session("treasurer").client
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = person.cookies
    question = json.dumps({"epochs": [1], "after": "version-1"})
    for answer in (
        strict.post(url_of("what-ifs"), question, content_type="application/json"), strict.delete(url_of("what-if")),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (NO, "forgery_suspected")
    strict.get(reverse("what-ifs"))
    token = strict.cookies["csrftoken"].value
    answer = strict.post(url_of("what-ifs"), question, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.json()["code"] == "refused"
    assert strict.get(url_of("what-ifs")).status_code == OK


def test_a_key_is_no_way_into_the_pages():
    key = by_key("treasurer", "read:all")
    for name in ("treasury", "audit", "accounts:account", "accounts:api-keys"):
        assert key.get(reverse(name)).status_code == 302


def test_a_treasurer_without_a_second_factor_reads_nothing_where_one_is_needed(settings):
    session, key = by_session("treasurer"), by_key("treasurer", "read:all")
    settings.SECOND_FACTOR_REQUIRED = True
    answer = session.get(url_of("standing"))
    assert (answer.status_code, answer.json()["code"]) == (NO, "second_factor_needed")
    assert {key.get(url_of(name)).status_code for name in OF_MAKER} == {NO}
    assert key.get("makers").json()["items"] == []
