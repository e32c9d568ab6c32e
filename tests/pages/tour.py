"""Every page of the site with somebody who may open it, drawn from the access table so that no new page is left out.

A tour is what tests of all pages have in common: what a screen reader meets, what a first visit weighs, how many
queries a page asks, how it looks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Enrolment, User
from onchain.models_tx import ChainClaim
from rewards.models import Notice, WebhookEndpoint
from rewards.services.notices.mailing import stop_token
from tests.accounts.factors import give_app, sign_in_with_password
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import CLOCK, MARKETS, PASSWORD, Scene, make_terms_version, make_what_if, scene
from tests.pages.quoting_rows import MARKET, quote_through
from tests.pages.test_access import ACCOUNT, GETS, OK, POSTED, ROLES, person_of, url_of

FILES = {
    *("evidence-tar", "evidence-file", "revision-tar", "dispute-file", "terms-file", "treasury-safe-batch"),
    *("proof", "proof-of-root", "audit-export", "scorecard-series", "scorecard-table", "scorecard-live"),
    *("healthz", "readyz", "metrics", "mfa_download_recovery_codes"),
    *("what-if-csv", "collected-csv", "collected-koinly", "where-next-table", "scorecard-tables", "treasury-spend-csv"),
    "programme-history",
    "collect-progress",  # a piece of the collect page
    "what-if-progress",  # and one of an open what-if's
}
"""Addresses that answer with something other than a page."""
LED_ON = {
    "documents": "not built in the tests; `more` opens the page that says so",
    "documents-page": "a page of a site of its own: tests/docs/test_site_in_a_browser.py",
    "accounts:link-message": "takes a POST alone",
    "accounts:link-wallet": "takes a POST alone",
    "api-docs": "a library's page (Swagger UI) for programmers",
    "maker-next": "leads to the epoch that runs",
    "admin-sign-in": "leads to the one sign-in page",
    "account_login": "the sign-in page under allauth's name for it",
    "mfa_index": "the account page under allauth's name for it",
    "mfa_login_webauthn": "what the sign-in page's script asks",
    "account_email": "the account page has the addresses",
    "account_email_verification_sent": "stands between an address and its code",
    "account_request_reauthentication_code": "sends a code and leads on",
    "account_confirm_reauthentication_code": "stands between a request and its code",
    "mfa_reauthenticate_webauthn": "needs a passkey: tests/e2e/test_passkey_browser.py",
    "mfa_remove_webauthn": "needs a passkey: tests/e2e/test_passkey_browser.py",
}
"""Addresses without a page in this tour, and why."""
PREFERRED = ("nobody", "own maker's admin", "treasurer", "operator", "own maker", "provider")


@dataclass(frozen=True)
class Stop:
    """One page: its name, the role that opens it, a browser of that role, and the page's path."""

    name: str
    role: str
    client: Client
    path: str
    status: int = OK

    def cookies(self, base_url: str) -> list[dict[str, str]]:
        """Return the session's cookie in the form that Playwright takes."""
        name = settings.SESSION_COOKIE_NAME
        cookie = self.client.cookies.get(name)
        return [{"name": name, "value": cookie.value, "url": base_url}] if cookie else []


def make_stage(*, markets: tuple[str, ...] = MARKETS, profiles: dict | None = None) -> Scene:
    """Make the scene with one row of everything else that a page can show."""
    made = scene(markets=markets, profiles=profiles)
    WebhookEndpoint.objects.create(maker=made.makers["aurora"], url="https://maker.example/hook", secret=b"")
    make_terms_version(made.program)
    Enrolment.objects.create(
        slug="lantern", name="Lantern", contact="mail", region="CH", payout_account=ACCOUNT, terms_version="1",
        terms_text="text", asked_by=made.people["provider"],
    )  # fmt: skip
    make_correction(made.waiting, dispute=make_dispute(made.waiting))
    make_what_if(made.program)
    quote_through([made.paying, made.live], until_ms=CLOCK)
    return made


def stops(made: Scene) -> list[Stop]:
    """Return every page in the table's order, and some pages in a second state."""
    clients: dict[str, Client] = {"nobody": Client()}
    found = []
    for name, (_, answers) in GETS.items():
        if name in OTHERWISE:
            found.append(Stop(name, *OTHERWISE[name](made)))
        elif name not in FILES and name not in LED_ON and (role := role_for(answers)):
            if role not in clients:
                clients[role] = fresh(person_of(role))
            found.append(Stop(name, role, clients[role], url_of(name, made.program)))
    return [*found, *more(made, clients)]


def stops_without_rows() -> list[Stop]:
    """Return the pages that there are on the first day, when nothing is in the database but people."""
    clients = {"nobody": Client(), **{role: fresh(person_of(role)) for role in ("treasurer", "operator", "provider")}}
    found = []
    for name, (given, answers) in GETS.items():
        role = role_for(answers)
        if not given and role in clients and name not in FILES and name not in LED_ON and name not in OTHERWISE:
            found.append(Stop(name, role, clients[role], reverse(name)))
    nobody = clients["nobody"]
    return [*found, Stop("collect-account", "nobody", nobody, reverse("collect-account", args=[ACCOUNT]))]


def role_for(answers: tuple[int, ...]) -> str | None:
    """Return the first of PREFERRED that gets the page."""
    return next((role for role in PREFERRED if answers[ROLES.index(role)] == OK), None)


def more(made: Scene, clients: dict[str, Client]) -> list[Stop]:
    """Return pages whose look depends on what there is to show, or on who looks."""
    paid, slug = made.payout_account("aurora"), made.program.slug
    live = reverse("scorecard", args=["aurora", slug, made.live.number])
    asked = reverse("where-next", args=["aurora", slug]) + f"?market={MARKET}&kind=overnight&lots=500&bps=12"
    review = reverse("treasury-epoch", args=[slug, made.waiting.number])
    nobody = clients["nobody"]
    maker = fresh(made.people["maker"])
    return [
        Stop("collect-account with money", "nobody", nobody, reverse("collect-account", args=[paid])),
        Stop("scorecard of a live epoch", "own maker", maker, live),
        Stop("where next with an answer", "own maker", maker, asked),
        Stop("epoch that is live", "nobody", nobody, reverse("epoch", args=[slug, made.live.number])),
        Stop("epoch in review", "reviewer", fresh(person_of("reviewer")), review),
        Stop("not found", "nobody", nobody, "/nowhere/", 404),
        Stop("documentation that is not built", "nobody", nobody, reverse("documents"), 404),
        Stop("not allowed", "provider", fresh(made.people["provider"]), reverse("treasury"), 403),
    ]


def fresh(person: User) -> Client:
    """Return a browser in which the person has signed in a moment ago."""
    client = Client()
    client.force_login(person)
    session = client.session
    step = {"method": "password", "at": time.time(), "username": person.username, "reauthenticated": True}
    session["account_authentication_methods"] = [step]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client


def with_app() -> Client:
    """Return a fresh browser of somebody who has an authenticator app and recovery codes."""
    person, made = User.objects.get_or_create(username="with an app", defaults={"role": "treasurer"})
    if made:
        person.set_password(PASSWORD)
        person.save()
        give_app(person)
        RecoveryCodes.activate(person)
    return fresh(person)


def awaiting_code(_: Scene) -> tuple[str, Client, str]:
    client = Client()
    client.post(reverse("account_request_login_code"), {"email": "ada@example.org"})
    return "nobody", client, reverse("account_confirm_login_code")


def at_second_step(_: Scene) -> tuple[str, Client, str]:
    with_app()
    client = Client()
    sign_in_with_password(client, "with an app")
    return "nobody", client, reverse("mfa_authenticate")


def of_app(name: str) -> Callable[[Scene], tuple[str, Client, str]]:
    return lambda _: ("treasurer", with_app(), reverse(name))


def without_app(name: str) -> Callable[[Scene], tuple[str, Client, str]]:
    return lambda made: ("provider", fresh(made.people["provider"]), reverse(name))


def of_drafter(made: Scene) -> tuple[str, Client, str]:
    drafter = User.objects.get(username="drafter")
    return "treasurer", fresh(drafter), reverse("treasury-draft-edit", args=[made.program.slug, 1])


def from_mail(made: Scene) -> tuple[str, Client, str]:
    token = stop_token(person=made.people["provider"], kind=Notice.Kind.PAID)
    return "nobody", Client(), reverse("notices-stop", args=[token])


def of_receipt(made: Scene) -> tuple[str, Client, str]:
    claim = ChainClaim.objects.earliest("id")
    return "nobody", Client(), reverse("collect-receipt", args=[claim.account, claim.tx_hash, claim.log_index])


def at_moment(made: Scene) -> tuple[str, Client, str]:
    args = ["aurora", made.program.slug, made.paying.number, MARKET, made.paying.start_ms + 1_800_000]
    client, path = fresh(made.people["maker"]), reverse("scorecard-moment", args=args)
    # The first look compiles what replays the book, for which no browser should have to wait.
    client.get(path)
    return "own maker", client, path


OTHERWISE: dict[str, Callable[[Scene], tuple[str, Client, str]]] = {
    "account_confirm_login_code": awaiting_code,
    "mfa_authenticate": at_second_step,
    "mfa_reauthenticate": of_app("mfa_reauthenticate"),
    "mfa_deactivate_totp": of_app("mfa_deactivate_totp"),
    "mfa_view_recovery_codes": of_app("mfa_view_recovery_codes"),
    "mfa_generate_recovery_codes": of_app("mfa_generate_recovery_codes"),
    "mfa_activate_totp": without_app("mfa_activate_totp"),
    "mfa_add_webauthn": without_app("mfa_add_webauthn"),
    "treasury-draft-edit": of_drafter,
    "notices-stop": from_mail,
    "collect-receipt": of_receipt,
    "scorecard-moment": at_moment,
}
"""Pages that the table's people do not get to by their address alone: the way there."""


def left_out() -> set[str]:
    """Return names of the table that are neither a page of the tour nor excused."""
    known = FILES | set(LED_ON) | set(OTHERWISE)
    return {name for name, (_, answers) in GETS.items() if answers != POSTED and not role_for(answers)} - known
