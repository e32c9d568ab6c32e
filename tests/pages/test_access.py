"""Who gets to see and do what: every address of the site against every role."""

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from accounts.models import Enrolment, Maker, User
from rewards.models import AutoCollect, Correction, Dispute, DisputeFile, WebhookEndpoint, WhatIfJob
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import make_terms_version, make_what_if, scene

pytestmark = pytest.mark.django_db
ROLES = (
    *("nobody", "provider", "own maker", "own maker's admin", "other maker", "other maker's admin"),
    *("treasurer", "reviewer", "guardian", "operator", "auditor"),
)
ACCOUNT, ROOT = "0x" + "12" * 20, "0x" + "34" * 32
SIGN_IN, NO, OK, POST_ONLY, GONE_ON, BAD, MISSING, WRONG = 302, 403, 200, 405, 302, 400, 404, 422
EVERYBODY = (OK,) * 11
POSTED = (POST_ONLY,) * 11
WATCHERS = (OK,) * 5
TREASURY = (SIGN_IN, *(NO,) * 5, *WATCHERS)
TREASURERS = (SIGN_IN, *(NO,) * 5, OK, *(NO,) * 4)
REVIEWERS_GO_ON = (SIGN_IN, *(NO,) * 5, GONE_ON, GONE_ON, *(NO,) * 3)
# name: (arguments, what a GET gives each of ROLES)
GETS = {
    "home": ([], EVERYBODY),
    "programme": (["PROGRAM"], EVERYBODY),
    "programme-history": (["PROGRAM"], EVERYBODY),
    "epoch": (["PROGRAM", 1], EVERYBODY),
    "evidence-tar": (["PROGRAM", 1], EVERYBODY),
    "evidence-file": (["PROGRAM", 1, "terms.json"], EVERYBODY),
    "collect": ([], EVERYBODY),
    "collect-account": ([ACCOUNT], EVERYBODY),
    "collect-progress": ([ACCOUNT], EVERYBODY),
    # Public as the chain is; this account has collected nothing.
    "collect-receipt": ([ACCOUNT, ROOT, 0], (MISSING,) * 11),
    "collected-csv": ([ACCOUNT, 2025], (MISSING,) * 11),
    "collected-koinly": ([ACCOUNT, 2025], (MISSING,) * 11),
    "collect-now": ([ACCOUNT, "PROGRAM"], POSTED),
    "collect-by-itself": ([ACCOUNT, "PROGRAM"], POSTED),
    # Files for everybody; this account has none.
    "proof": (["PROGRAM", ACCOUNT], (MISSING,) * 11),
    "proof-of-root": (["PROGRAM", ROOT, ACCOUNT], (MISSING,) * 11),
    "status": ([], EVERYBODY),
    "quarantine": ([], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "market-derive-again": ([1], POSTED),
    "notices": ([], (SIGN_IN, *(OK,) * 10)),
    "notices-choose": ([], POSTED),
    # The link's signature stands for a sign-in; this one has none.
    "notices-stop": (["no-token"], (MISSING,) * 11),
    "treasury-webhooks": ([], (SIGN_IN, *(NO,) * 5, OK, NO, NO, OK, NO)),
    "maker-webhooks": (["aurora"], (SIGN_IN, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO)),
    "webhook": (["WEBHOOK"], (SIGN_IN, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO)),
    "healthz": ([], EVERYBODY),
    "readyz": ([], EVERYBODY),
    # The tests have no built site (tests/docs/test_site.py builds one): for everybody it says how to build it.
    "documents": ([], (MISSING,) * 11),
    "documents-page": (["makers/"], (MISSING,) * 11),
    # By the token of the machine that asks, not by a person's role.
    "metrics": ([], (MISSING,) * 11),
    "accounts:login": ([], (OK, *(GONE_ON,) * 10)),
    "accounts:wallet-message": ([], POSTED),
    "accounts:wallet-sign-in": ([], POSTED),
    "accounts:logout": ([], POSTED),
    "accounts:account": ([], (SIGN_IN, *(OK,) * 10)),
    "accounts:link-message": ([], (SIGN_IN, *(POST_ONLY,) * 10)),
    "accounts:link-wallet": ([], (SIGN_IN, *(POST_ONLY,) * 10)),
    "accounts:unlink-wallet": ([ACCOUNT], POSTED),
    # Of nobody's sign-in: the session of the table goes on.
    "accounts:end-session": ([999_999], POSTED),
    "accounts:end-all-sessions": ([], POSTED),
    "admin-sign-in": ([], (GONE_ON,) * 11),
    # Ways in: who is in already is led on, and where no code is on its way there is nothing to enter.
    "account_login": ([], (OK, *(GONE_ON,) * 10)),
    "account_request_login_code": ([], (OK, *(GONE_ON,) * 10)),
    "account_confirm_login_code": ([], (GONE_ON,) * 11),
    "mfa_authenticate": ([], (GONE_ON,) * 11),
    "mfa_login_webauthn": ([], (GONE_ON,) * 11),
    # One's own account. The table's people have a password and nothing else, and signed in too long ago for changes.
    "mfa_index": ([], (SIGN_IN, *(OK,) * 10)),
    "accounts:api-keys": ([], (SIGN_IN, *(OK,) * 10)),
    "api-docs": ([], EVERYBODY),
    "api-problems": ([], EVERYBODY),
    "accounts:second-factor": ([], (SIGN_IN, *(OK,) * 10)),
    "accounts:confirm-wallet": ([], (SIGN_IN, *(OK,) * 10)),
    "account_reauthenticate": ([], (SIGN_IN, *(OK,) * 10)),
    "account_request_reauthentication_code": ([], (GONE_ON,) * 11),
    "account_confirm_reauthentication_code": ([], (GONE_ON,) * 11),
    "mfa_reauthenticate": ([], (GONE_ON,) * 11),
    "mfa_reauthenticate_webauthn": ([], (GONE_ON,) * 11),
    "account_email": ([], (GONE_ON,) * 11),
    "account_email_verification_sent": ([], (GONE_ON,) * 11),
    "mfa_add_webauthn": ([], (GONE_ON,) * 11),
    "mfa_remove_webauthn": ([1], (GONE_ON,) * 11),
    "mfa_activate_totp": ([], (GONE_ON,) * 11),
    "mfa_deactivate_totp": ([], (SIGN_IN, *(MISSING,) * 10)),
    "mfa_view_recovery_codes": ([], (SIGN_IN, *(MISSING,) * 10)),
    "mfa_generate_recovery_codes": ([], (GONE_ON,) * 11),
    "mfa_download_recovery_codes": ([], (SIGN_IN, *(MISSING,) * 10)),
    "accounts:roles": ([], (SIGN_IN, *(NO,) * 8, OK, NO)),
    # Only where no e-mail is sent at all; tests/accounts/test_local_mail.py has the other case.
    "accounts:local-mail": ([], EVERYBODY),
    "accounts:members": (["aurora"], (SIGN_IN, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO)),
    "makers": ([], (SIGN_IN, NO, *(GONE_ON,) * 4, *WATCHERS)),
    # An operator only as long as the maker has no admin, as here (tests/rewards/test_vaults_and_people.py).
    "maker-vault": (["aurora"], (SIGN_IN, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO)),
    "maker": (["aurora"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "scorecard": (["aurora", "PROGRAM", 1], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    # An epoch that has not begun has nothing to follow; what matters is who gets that far.
    "scorecard-live": (["aurora", "PROGRAM", 9], (SIGN_IN, NO, MISSING, MISSING, NO, NO, *(MISSING,) * 5)),
    # Nothing has been replayed for these rows; what matters is who gets that far.
    "scorecard-series": (
        ["aurora", "PROGRAM", 1, "AAPL-PERP"],
        (SIGN_IN, NO, MISSING, MISSING, NO, NO, *(MISSING,) * 5),
    ),
    "scorecard-table": (
        ["aurora", "PROGRAM", 1, "AAPL-PERP", "csv"],
        (SIGN_IN, NO, MISSING, MISSING, NO, NO, *(MISSING,) * 5),
    ),
    "maker-next": (["aurora"], (SIGN_IN, NO, GONE_ON, GONE_ON, NO, NO, *(GONE_ON,) * 5)),
    "where-next": (["aurora", "PROGRAM"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "where-next-table": (["aurora", "PROGRAM", "csv"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "scorecard-tables": (["aurora", "PROGRAM", 1, "markets", "csv"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "scorecard-moment": (
        ["aurora", "PROGRAM", 1, "AAPL-PERP", 1],
        (SIGN_IN, NO, MISSING, MISSING, NO, NO, *(MISSING,) * 5),
    ),
    "maker-wallets": (["aurora"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "maker-payouts": (["aurora"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "enrol": ([], (SIGN_IN, *(OK,) * 5, *(NO,) * 5)),
    # Of somebody else: who asked sees it (tests/accounts/test_enrolment.py).
    "enrolment": (["REQUEST"], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "enrolments": ([], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "revisions": (["PROGRAM", 1], EVERYBODY),
    "revision-tar": (["PROGRAM", 1, 1], EVERYBODY),
    "maker-disputes": (["aurora"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "dispute-new": (["aurora", "PROGRAM", 2], (SIGN_IN, NO, OK, OK, *(NO,) * 7)),
    "dispute": (["DISPUTE"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "dispute-file": (["DISPUTE", "FILE"], (SIGN_IN, NO, OK, OK, NO, NO, *WATCHERS)),
    "dispute-say": (["DISPUTE"], POSTED),
    "dispute-decide": (["DISPUTE"], POSTED),
    "dispute-withdraw": (["DISPUTE"], POSTED),
    "treasury-corrections": (["PROGRAM", 2], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "correction-confirm": (["CORRECTION"], POSTED),
    "correction-withdraw": (["CORRECTION"], POSTED),
    "treasury": ([], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "audit": ([], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "audit-export": ([], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "treasury-epoch": (["PROGRAM", 2], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "treasury-epochs": ([], TREASURY),
    "treasury-disputes": ([], TREASURY),
    "treasury-actions": ([], TREASURY),
    "treasury-spend": ([], TREASURY),
    "treasury-spend-csv": (["PROGRAM"], TREASURY),
    "treasury-health": ([], TREASURY),
    "what-ifs": ([], TREASURY),
    "what-if": (["WHATIF"], TREASURY),
    "what-if-progress": (["WHATIF"], TREASURY),
    # It has no answer yet; what matters is who gets that far.
    "what-if-csv": (["WHATIF"], (SIGN_IN, *(NO,) * 5, *(MISSING,) * 5)),
    "what-if-cancel": (["WHATIF"], POSTED),
    "treasury-approve": (["PROGRAM", 2], POSTED),
    "treasury-put-forward": (["PROGRAM", 2], POSTED),
    "treasury-send-back": (["PROGRAM", 2], POSTED),
    "treasury-lift": (["PROGRAM", 2], POSTED),
    "treasury-flag": (["PROGRAM", 2], POSTED),
    "treasury-comment": (["PROGRAM", 2], POSTED),
    "treasury-safe-sign": (["PROGRAM", 2], POSTED),
    "treasury-safe-batch": (["PROGRAM", 2], (SIGN_IN, *(NO,) * 5, *(MISSING,) * 5)),
    "treasury-programmes": ([], TREASURY),
    "treasury-programme-new": ([], TREASURERS),
    "treasury-programme": (["PROGRAM"], TREASURY),
    "terms-file": (["PROGRAM", "version-1", "toml"], TREASURY),
    "treasury-draft-new": (["PROGRAM"], TREASURERS),
    "treasury-draft-import": (["PROGRAM"], TREASURERS),
    "treasury-draft": (["PROGRAM", 1], TREASURY),
    # Another treasurer's draft: the page says so and leads back.
    "treasury-draft-edit": (["PROGRAM", 1], (SIGN_IN, *(NO,) * 5, GONE_ON, *(NO,) * 4)),
    "treasury-draft-hand-in": (["PROGRAM", 1], POSTED),
    "treasury-draft-review": (["PROGRAM", 1], POSTED),
    "treasury-draft-withdraw": (["PROGRAM", 1], POSTED),
    "treasury-draft-comment": (["PROGRAM", 1], POSTED),
    "market-actions": (["PROGRAM"], (SIGN_IN, *(NO,) * 5, *WATCHERS)),
    "market-action-decide": (["PROGRAM", 1], POSTED),
}
# Every address that takes a POST, with what an empty form gives each of ROLES; to all others a POST is no method.
SIGNED_IN_ONLY = (SIGN_IN, *(GONE_ON,) * 10)
POSTS = {
    "collect-now": (GONE_ON,) * 11,
    "treasury-approve": (SIGN_IN, *(NO,) * 5, GONE_ON, *(NO,) * 4),
    # Each goes no further than what an empty form lacks: the root, the flag, the text.
    **dict.fromkeys(
        ("treasury-put-forward", "treasury-send-back", "treasury-lift", "treasury-flag"),
        (SIGN_IN, *(NO,) * 5, GONE_ON, GONE_ON, NO, NO, NO),
    ),
    "market-derive-again": (SIGN_IN, *(NO,) * 8, GONE_ON, NO),
    "treasury-comment": (SIGN_IN, *(NO,) * 5, *(GONE_ON,) * 4, NO),
    "treasury-safe-sign": (SIGN_IN, *(NO,) * 5, GONE_ON, NO, NO, GONE_ON, NO),
    "treasury-programme-new": TREASURERS,
    "treasury-draft-new": TREASURERS,
    "treasury-draft-import": TREASURERS,
    "treasury-draft-edit": (SIGN_IN, *(NO,) * 5, GONE_ON, *(NO,) * 4),
    "treasury-draft-hand-in": (SIGN_IN, *(NO,) * 5, GONE_ON, *(NO,) * 4),
    "treasury-draft-review": REVIEWERS_GO_ON,
    "treasury-draft-withdraw": REVIEWERS_GO_ON,
    "treasury-draft-comment": REVIEWERS_GO_ON,
    # No programme of that name: the form is empty.
    "what-ifs": (SIGN_IN, *(NO,) * 5, MISSING, MISSING, NO, NO, NO),
    # Somebody else's: the page says that only who asked cancels it.
    "what-if-cancel": REVIEWERS_GO_ON,
    "market-actions": (SIGN_IN, *(NO,) * 5, GONE_ON, NO, NO, GONE_ON, NO),
    "market-action-decide": (SIGN_IN, *(NO,) * 5, GONE_ON, NO, NO, GONE_ON, NO),
    "collect-by-itself": (SIGN_IN, *(NO,) * 10),
    "maker-vault": (SIGN_IN, NO, NO, OK, NO, NO, NO, NO, NO, OK, NO),
    "dispute-new": (SIGN_IN, NO, OK, OK, *(NO,) * 7),
    "dispute-say": (SIGN_IN, NO, GONE_ON, GONE_ON, NO, NO, GONE_ON, GONE_ON, NO, GONE_ON, NO),
    "dispute-decide": (SIGN_IN, *(NO,) * 5, GONE_ON, *(NO,) * 4),
    "dispute-withdraw": (SIGN_IN, NO, GONE_ON, GONE_ON, *(NO,) * 7),
    **dict.fromkeys(
        ("treasury-corrections", "correction-confirm", "correction-withdraw"),
        (SIGN_IN, *(NO,) * 5, GONE_ON, GONE_ON, NO, GONE_ON, NO),
    ),
    "accounts:members": (SIGN_IN, NO, NO, GONE_ON, NO, NO, NO, NO, NO, GONE_ON, NO),
    "notices-choose": (SIGN_IN, *(GONE_ON,) * 10),
    "notices-stop": (MISSING,) * 11,
    "treasury-webhooks": (SIGN_IN, *(NO,) * 5, WRONG, NO, NO, WRONG, NO),
    "maker-webhooks": (SIGN_IN, NO, NO, WRONG, NO, NO, NO, NO, NO, WRONG, NO),
    "webhook": (SIGN_IN, NO, NO, GONE_ON, NO, NO, NO, NO, NO, GONE_ON, NO),
    "maker-wallets": (SIGN_IN, NO, GONE_ON, GONE_ON, NO, NO, *(GONE_ON,) * 5),
    "maker-payouts": (SIGN_IN, NO, NO, OK, NO, NO, *(NO,) * 5),
    "enrol": (SIGN_IN, *(OK,) * 5, *(NO,) * 5),
    "enrolment": (SIGN_IN, *(NO,) * 5, *(GONE_ON,) * 5),
    "accounts:login": (OK, *(GONE_ON,) * 10),
    "accounts:wallet-message": (BAD,) * 11,
    "accounts:wallet-sign-in": (BAD,) * 11,
    "accounts:api-keys": SIGNED_IN_ONLY,
    "accounts:link-message": (SIGN_IN, *(NO,) * 10),
    "accounts:link-wallet": (SIGN_IN, *(NO,) * 10),
    "accounts:unlink-wallet": SIGNED_IN_ONLY,
    "accounts:end-session": SIGNED_IN_ONLY,
    "admin-sign-in": (GONE_ON,) * 11,
    "account_login": (OK, *(GONE_ON,) * 10),
    "account_request_login_code": (OK, *(GONE_ON,) * 10),
    "account_confirm_login_code": (GONE_ON,) * 11,
    "mfa_authenticate": (GONE_ON,) * 11,
    "mfa_login_webauthn": (GONE_ON,) * 11,
    "account_reauthenticate": (SIGN_IN, *(OK,) * 10),
    "account_request_reauthentication_code": (GONE_ON,) * 11,
    "account_confirm_reauthentication_code": (GONE_ON,) * 11,
    "mfa_reauthenticate": (GONE_ON,) * 11,
    "mfa_reauthenticate_webauthn": (GONE_ON,) * 11,
    "account_email": (GONE_ON,) * 11,
    "account_email_verification_sent": (GONE_ON,) * 11,
    "mfa_add_webauthn": (GONE_ON,) * 11,
    "mfa_remove_webauthn": (GONE_ON,) * 11,
    "mfa_activate_totp": (GONE_ON,) * 11,
    "mfa_deactivate_totp": (SIGN_IN, *(MISSING,) * 10),
    "mfa_view_recovery_codes": (SIGN_IN, *(POST_ONLY,) * 10),
    "mfa_generate_recovery_codes": (GONE_ON,) * 11,
    "mfa_download_recovery_codes": (SIGN_IN, *(MISSING,) * 10),
    "accounts:roles": (SIGN_IN, *(NO,) * 8, GONE_ON, NO),
    "accounts:logout": (GONE_ON,) * 11,
    "accounts:end-all-sessions": (GONE_ON,) * 11,
}
# They end the session that the rest of the table needs.
LAST = ("accounts:logout", "accounts:end-all-sessions")


@pytest.fixture
def program(settings):
    settings.METRICS_OPEN = False
    made = scene()
    WebhookEndpoint.objects.create(maker=made.makers["aurora"], url="https://maker.example/hook", secret=b"")
    make_terms_version(made.program)
    Enrolment.objects.create(
        slug="lantern", name="Lantern", contact="mail", region="CH", payout_account=ACCOUNT, terms_version="1",
        terms_text="text", asked_by=made.people["provider"],
    )  # fmt: skip
    make_correction(made.waiting, dispute=make_dispute(made.waiting))
    make_what_if(made.program)
    return made.program


def person_of(role: str) -> User:
    """Make somebody with one of ROLES."""
    kind = User.Role.MAKER if "maker" in role else role
    user = User.objects.create_user(username=f"a {role}", password="p", role=kind)
    if "maker" in role:
        maker = Maker.objects.get(slug="aurora" if "own" in role else "meridian")
        maker.members.add(user)
        if "admin" in role:
            maker.admins.add(user)
    return user


def client_of(role: str) -> Client:
    client = Client()
    if role != "nobody":
        client.force_login(person_of(role))
    return client


def names() -> set[str]:
    found = set()
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            # The API has a table of its own: tests/api/test_access_of_api.py.
            if entry.namespace not in ("admin", "api"):
                found |= {f"{entry.namespace}:{each.name}" for each in entry.url_patterns}
        else:
            found.add(entry.name)
    return found


def url_of(name: str, program: object) -> str:
    stands_for = {"PROGRAM": program.slug, "WEBHOOK": WebhookEndpoint.objects.values_list("pk", flat=True).first()}
    stands_for["REQUEST"] = Enrolment.objects.values_list("pk", flat=True).first()
    rows = {"DISPUTE": Dispute, "FILE": DisputeFile, "CORRECTION": Correction, "WHATIF": WhatIfJob}
    stands_for |= {word: model.objects.earliest("pk").pk for word, model in rows.items()}
    return reverse(name, args=[stands_for.get(value, value) for value in GETS[name][0]])


def test_every_address_stands_in_the_table():
    assert names() == set(GETS)
    assert set(POSTS) <= set(GETS)
    assert {role.split()[-1] for role in ROLES} >= set(User.Role.values)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_what_the_table_says(program, role):
    client, column = client_of(role), ROLES.index(role)
    found = {}
    for name in GETS:
        answer = client.get(url_of(name, program))
        # A file that is read to its end is closed.
        b"".join(answer)
        found[name] = answer.status_code
    assert found == {name: answers[column] for name, (_, answers) in GETS.items()}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_post_what_the_table_says_and_nothing_else(program, role, settings):
    # Approving goes no further than the form's digest, which an empty form lacks.
    settings.LOCAL_TREASURY_SIGNER = True
    follow_no_node(settings)
    client, column = client_of(role), ROLES.index(role)
    order = sorted(GETS, key=lambda name: name in LAST)
    found = {}
    for name in order:
        if role != "nobody" and name in LAST:
            client.force_login(User.objects.get(username=f"a {role}"))
        found[name] = client.post(url_of(name, program)).status_code
    assert found == {name: POSTS[name][column] if name in POSTS else POST_ONLY for name in GETS}


def follow_no_node(settings: object) -> None:
    """No row of the table needs the chain."""
    settings.RPC_URLS = ["http://127.0.0.1:9"]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_opens_the_admin(program, role):
    assert client_of(role).get("/admin/").status_code == SIGN_IN


def test_a_form_from_elsewhere_is_refused(program):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("collect-now", args=[ACCOUNT, program.slug]))
    assert answer.status_code == NO


@pytest.mark.parametrize("name", ["home", "collect", "status", "accounts:login", "account_request_login_code"])
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


@pytest.mark.parametrize("role", ["nobody", "provider", "own maker", "reviewer", "guardian", "auditor"])
def test_a_signature_for_the_safe_is_taken_on_the_treasurys_page_alone(program, role):
    address = reverse("treasury-safe-sign", args=[program.slug, 2])
    assert client_of(role).post(address, {"signature": "0x12"}).status_code in (SIGN_IN, NO)
