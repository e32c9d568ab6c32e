"""A passkey in a real browser, with Chromium's own virtual authenticator: made, used to sign in, and taken away."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections
from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from accounts.models import SignIn, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PASSWORD = "lamps-burn-all-night"


@dataclass
class Window:
    """A window with a virtual authenticator that checks its owner (CDP: WebAuthn)."""

    page: Page
    cdp: CDPSession
    authenticator: str
    base: str

    def passkeys(self) -> list[dict]:
        """What the authenticator holds."""
        held = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return held["credentials"]

    def owner_is_there(self, there: bool) -> None:
        """Whether the finger that the authenticator asks for is its owner's."""
        state = {"authenticatorId": self.authenticator, "isUserVerified": there}
        self.cdp.send("WebAuthn.setUserVerified", state)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in_with_password(self, name: str = "treasurer") -> None:
        self.go("/sign-in/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: not url.endswith("/sign-in/"))


@pytest.fixture
def treasurer(db) -> User:
    return User.objects.create_user(username="treasurer", password=PASSWORD, role="treasurer")


@pytest.fixture
def window(live_server, monkeypatch, settings) -> Iterator[Window]:
    """A window in which the treasury needs a second factor; nothing may complain in its console."""
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.SECOND_FACTOR_REQUIRED = True
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page, complaints = browser.new_page(), []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield Window(page, cdp, made["authenticatorId"], live_server.url)
        browser.close()
        # The tests' own queries: beside Playwright's event loop they have a connection of their own.
        connections.close_all()
    assert complaints == []


def add_passkey(window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("A name for it").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def test_a_treasurer_sets_a_passkey_up_and_it_alone_signs_in_as_both_factors(treasurer, window):
    page = window.page
    window.sign_in_with_password()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    add_passkey(window)
    [held] = window.passkeys()
    assert held["isResidentCredential"]
    assert held["rpId"] == "localhost"
    page.get_by_role("button", name="Sign out").click()
    window.go("/sign-in/?next=/treasury/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(window.base + "/treasury/")
    assert list(SignIn.objects.values_list("how", flat=True)) == ["passkey", "password"]


def test_a_passkey_is_the_second_step_after_a_password(treasurer, window):
    page = window.page
    window.sign_in_with_password()
    add_passkey(window)
    page.get_by_role("button", name="Sign out").click()
    window.sign_in_with_password()
    expect(page.get_by_role("heading", name="The second step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(window.base + "/")
    assert SignIn.objects.first().how == "password and passkey"


def test_a_passkey_that_does_not_know_its_owner_signs_nobody_in(treasurer, window):
    page = window.page
    window.sign_in_with_password()
    add_passkey(window)
    page.get_by_role("button", name="Sign out").click()
    window.owner_is_there(False)
    window.go("/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("Nothing was done: the passkey was not used")).to_be_visible()
    assert SignIn.objects.count() == 1


def test_a_passkey_is_removed_and_signs_in_no_more(treasurer, window):
    page = window.page
    window.sign_in_with_password()
    add_passkey(window)
    window.go("/account/")
    page.get_by_role("link", name="Remove laptop").click()
    page.get_by_role("button", name="Remove it").click()
    # The treasury's person is without a second factor again.
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    assert not Authenticator.objects.exists()
    page.get_by_role("button", name="Sign out").click()
    window.go("/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("That did not work.")).to_be_visible()
    assert SignIn.objects.count() == 1


def test_the_last_way_in_is_not_removed(treasurer, window):
    page = window.page
    window.sign_in_with_password()
    add_passkey(window)
    treasurer.set_unusable_password()
    treasurer.save(update_fields=["password"])
    page.context.clear_cookies()
    window.go("/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(window.base + "/")
    window.go("/account/")
    page.get_by_role("link", name="Remove laptop").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("The passkey “laptop” is your only way to sign in.")).to_be_visible()
    assert Authenticator.objects.filter(type="webauthn").count() == 1
