"""The admin of reference data: who gets in, and that nothing which counts can be changed there by anybody."""

import json

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import User
from audit.models import AuditEntry
from audit.tracked import TRACKED
from onchain.models import Market
from rewards.views.reference import site
from tests.pages.factories import CLOCK, clock, scene
from tests.pages.test_access import ROLES, client_of

pytestmark = pytest.mark.django_db
# All that anybody may change there: words for people. A new one is a decision, so it is said here too.
CHANGEABLE = {
    "onchain.Market": {"tick_size", "lot_size", "base_symbol"},
    "onchain.WatchedContract": {"label"},
}
NEVER = {
    *("accounts.User", "accounts.RoleChange", "accounts.Wallet", "auth.Group", "auth.Permission"),
    *("mfa.Authenticator", "account.EmailAddress", "rewards.WebhookEndpoint", "onchain.TransactionAttempt"),
}


@pytest.fixture
def stage():
    return scene()


def addresses(model) -> dict[str, str]:
    """Every address of a model's admin that could change something, with one row of the model where there is one."""
    base, row = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._default_manager.first()
    found = {"add": reverse(f"{base}_add"), "list": reverse(f"{base}_changelist")}
    if row is not None:
        found |= {way: reverse(f"{base}_{way}", args=[row.pk]) for way in ("change", "delete")}
    return found


def staff(role: str, *, superuser: bool = False) -> Client:
    """Somebody of the role who is staff, with every permission that Django knows."""
    person = User.objects.create_user(username=f"staff {role} {superuser}", role=role)
    person.is_staff, person.is_superuser = True, superuser
    person.save()
    person.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize("role", ROLES)
def test_no_role_gets_in_without_being_staff(stage, role):
    client = client_of(role)
    assert client.get("/admin/").status_code == 302
    for model in site._registry:
        for address in addresses(model).values():
            assert client.get(address).status_code == client.post(address).status_code == 302


@pytest.mark.parametrize("role", sorted(set(User.Role.values) - {"operator"}))
@pytest.mark.parametrize("superuser", [False, True])
def test_staff_with_every_permission_get_in_only_as_operators(stage, role, superuser):
    client = staff(role, superuser=superuser)
    for model in site._registry:
        for address in addresses(model).values():
            assert client.get(address).status_code == client.post(address).status_code == 302


def test_an_operator_on_the_staff_needs_the_second_factor_that_the_settings_ask_for(stage, settings):
    client = staff("operator")
    assert client.get("/admin/").status_code == 200
    settings.SECOND_FACTOR_REQUIRED = True
    answer = client.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:second-factor"))


@pytest.mark.parametrize("superuser", [False, True])
def test_operators_add_and_delete_nothing_and_change_words_for_people_alone(stage, superuser):
    client = staff("operator", superuser=superuser)
    for model in site._registry:
        label, ways = model._meta.label, addresses(model)
        assert client.get(ways["list"]).status_code == 200, label
        assert client.get(ways["add"]).status_code == client.post(ways["add"]).status_code == 403, label
        if "change" not in ways:
            continue
        assert client.get(ways["delete"]).status_code == client.post(ways["delete"], {"post": "yes"}).status_code == 403
        everything = {field.name: "7" for field in model._meta.fields}
        row = model._default_manager.filter(pk=model._default_manager.first().pk)
        before = row.values().get()
        answer = client.post(ways["change"], everything)
        changed = {name for name, value in row.values().get().items() if value != before[name]}
        assert changed == CHANGEABLE.get(label, set()), label
        assert answer.status_code == (302 if changed else 403), label
    assert Market.objects.filter(base_symbol="7").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_corrected_word_is_in_the_audit_log_with_who_corrected_it():
    clock(CLOCK, markets=("AAPL-PERP",))
    client, market = staff("operator"), Market.objects.get()
    form = {"tick_size": "0.05", "lot_size": market.lot_size, "base_symbol": market.base_symbol}
    assert client.post(reverse("admin:onchain_market_change", args=[market.pk]), form).status_code == 302
    newest = AuditEntry.objects.filter(table_name="onchain_market").order_by("-sequence").first()
    assert json.loads(newest.context)["username"] == "staff operator False"
    assert (json.loads(newest.before)["tick_size"], json.loads(newest.after)["tick_size"]) == ("0.01", "0.05")


def test_what_is_changeable_is_what_stands_here_and_never_what_gives_roles_or_ways_in():
    registered = {model._meta.label: entry for model, entry in site._registry.items()}
    assert {label: set(entry.changeable) for label, entry in registered.items() if entry.changeable} == CHANGEABLE
    assert set(registered) & NEVER == set()
    assert all(label.startswith("onchain.") for label in CHANGEABLE)
    assert set(CHANGEABLE) <= set(TRACKED)


def test_the_stock_site_which_other_packages_fill_has_no_address():
    at = {id(entry.urlconf_name) for entry in get_resolver().url_patterns if getattr(entry, "namespace", "") == "admin"}
    assert len(at) == 1
    assert {model._meta.label for model in admin.site._registry} & {"mfa.Authenticator", "auth.Group"}
    client = Client()
    client.force_login(User.objects.create_superuser(username="root", role="operator"))
    assert client.get("/admin/password_change/")["Location"] == reverse("accounts:account")
    for path in ("/admin/auth/group/", "/admin/mfa/authenticator/", "/admin/accounts/user/"):
        assert client.get(path).status_code == 404
