"""Who gets to see and do what: every address of the site against every role."""

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from accounts.models import Maker, User
from rewards.models import AutoCollect
from tests.pages.factories import scene

pytestmark = pytest.mark.django_db
ROLES = ("nobody", "provider", "own maker", "other maker", "treasurer", "operator")
ACCOUNT = "0x" + "12" * 20
SIGN_IN, NO, OK, POST_ONLY, GONE_ON, MISSING = 302, 403, 200, 405, 302, 404
# name: (arguments, what a GET gives each of ROLES)
GETS = {
    "home": ([], (OK,) * 6),
    "programme": (["PROGRAM"], (OK,) * 6),
    "epoch": (["PROGRAM", 1], (OK,) * 6),
    "collect": ([], (OK,) * 6),
    "collect-account": ([ACCOUNT], (OK,) * 6),
    "collect-progress": ([ACCOUNT], (OK,) * 6),
    "collect-now": ([ACCOUNT, "PROGRAM"], (POST_ONLY,) * 6),
    "collect-by-itself": ([ACCOUNT, "PROGRAM"], (POST_ONLY,) * 6),
    "status": ([], (OK,) * 6),
    "healthz": ([], (OK,) * 6),
    "accounts:login": ([], (OK, GONE_ON, GONE_ON, GONE_ON, GONE_ON, GONE_ON)),
    "accounts:wallet-message": ([], (POST_ONLY,) * 6),
    "accounts:wallet-sign-in": ([], (POST_ONLY,) * 6),
    "accounts:logout": ([], (POST_ONLY,) * 6),
    "accounts:account": ([], (SIGN_IN, OK, OK, OK, OK, OK)),
    "accounts:link-message": ([], (SIGN_IN, *(POST_ONLY,) * 5)),
    "accounts:link-wallet": ([], (SIGN_IN, *(POST_ONLY,) * 5)),
    "accounts:unlink-wallet": ([ACCOUNT], (POST_ONLY,) * 6),
    "accounts:end-session": ([1], (POST_ONLY,) * 6),
    "accounts:end-all-sessions": ([], (POST_ONLY,) * 6),
    "admin-sign-in": ([], (GONE_ON,) * 6),
    "makers": ([], (SIGN_IN, NO, GONE_ON, GONE_ON, OK, OK)),
    "scorecard": (["aurora", "PROGRAM", 1], (SIGN_IN, NO, OK, NO, OK, OK)),
    "treasury": ([], (SIGN_IN, NO, NO, NO, OK, OK)),
    "treasury-epoch": (["PROGRAM", 2], (SIGN_IN, NO, NO, NO, OK, OK)),
    "treasury-approve": (["PROGRAM", 2], (POST_ONLY,) * 6),
    "treasury-safe-sign": (["PROGRAM", 2], (POST_ONLY,) * 6),
    "treasury-safe-batch": (["PROGRAM", 2], (SIGN_IN, NO, NO, NO, MISSING, MISSING)),
}
# Tested where their answers are: files of an epoch's evidence and of proofs, a redirect to the newest scorecard, and
# metrics (by token).
ELSEWHERE = {"evidence-tar", "evidence-file", "maker", "metrics", "proof", "proof-of-root"}


@pytest.fixture
def program():
    return scene().program


def client_of(role: str) -> Client:
    client = Client()
    if role == "nobody":
        return client
    kind = {"own maker": User.Role.MAKER, "other maker": User.Role.MAKER}.get(role, role)
    user = User.objects.create_user(username=f"a {role}", password="p", role=kind)
    if role == "own maker":
        Maker.objects.get(slug="aurora").members.add(user)
    if role == "other maker":
        Maker.objects.get(slug="meridian").members.add(user)
    client.force_login(user)
    return client


def names() -> set[str]:
    found = set()
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            if entry.namespace != "admin":
                found |= {f"{entry.namespace}:{each.name}" for each in entry.url_patterns}
        else:
            found.add(entry.name)
    return found


def test_every_address_stands_in_the_table():
    assert names() == set(GETS) | ELSEWHERE


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_what_the_table_says(program, role):
    client, column = client_of(role), ROLES.index(role)
    found, expected = {}, {}
    for name, (arguments, answers) in GETS.items():
        url = reverse(name, args=[program.slug if value == "PROGRAM" else value for value in arguments])
        found[name], expected[name] = client.get(url).status_code, answers[column]
    assert found == expected


@pytest.mark.parametrize("role", [role for role in ROLES if role != "treasurer"])
def test_only_a_treasurer_can_approve(program, role, settings):
    settings.LOCAL_TREASURY_SIGNER = True
    answer = client_of(role).post(reverse("treasury-approve", args=[program.slug, 2]))
    assert answer.status_code == (SIGN_IN if role == "nobody" else NO)


def test_a_form_from_elsewhere_is_refused(program):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("collect-now", args=[ACCOUNT, program.slug]))
    assert answer.status_code == NO


@pytest.mark.parametrize("name", ["home", "collect", "status", "accounts:login"])
def test_nothing_on_a_page_is_inline_or_from_elsewhere(program, name):
    answer = Client().get(reverse(name))
    text = answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert all(" src=" in tag for tag in text.split("<script")[1:])


def test_the_collect_page_speaks_no_jargon_outside_its_details(program):
    import re

    paid = program.epochs.get(number=1).entitlements.first().account
    text = Client().get(reverse("collect-account", args=[paid])).content.decode()
    body = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    main = re.sub(r"<[^>]+>", " ", body[body.index("<main") : body.index("</main>")]).lower()
    for word in ("gas", "merkle", "proof", "root", "epoch", "wei"):
        assert not re.search(rf"\b{word}\b", main), word


@pytest.mark.parametrize("role", ["nobody", "provider", "treasurer"])
def test_only_the_owner_of_an_account_switches_collecting_by_itself(program, role):
    address = reverse("collect-by-itself", args=[ACCOUNT, program.slug])
    assert client_of(role).post(address, {"on": "yes"}).status_code in (SIGN_IN, NO)
    assert AutoCollect.objects.count() == 0


def test_an_owner_switches_collecting_by_itself_on_and_off(program):
    client = client_of("provider")
    User.objects.update(wallet=ACCOUNT)
    address = reverse("collect-by-itself", args=[ACCOUNT.upper().replace("0X", "0x"), program.slug])
    for on, left in (("yes", 1), ("yes", 1), ("no", 0)):
        assert client.post(address, {"on": on}).status_code == GONE_ON
        assert AutoCollect.objects.filter(account=ACCOUNT).count() == left


@pytest.mark.parametrize("role", ["nobody", "provider", "own maker"])
def test_a_signature_for_the_safe_is_taken_on_the_treasurys_page_alone(program, role):
    address = reverse("treasury-safe-sign", args=[program.slug, 2])
    assert client_of(role).post(address, {"signature": "0x12"}).status_code in (SIGN_IN, NO)
