"""Operators give and take roles on a page; every change leaves a row that nobody can change any more."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client

from accounts.errors import (
    MemberConflictError,
    NotPermittedError,
    OperatorExistsError,
    OwnRoleError,
    RoleReasonError,
)
from accounts.members import first_operator_make, member_add, member_remove, role_set
from accounts.models import Maker, RoleChange, User, Wallet

pytestmark = pytest.mark.django_db
WALLET = "0x" + "ab" * 20


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_user(username="operator", role="operator")


@pytest.fixture
def newcomer(db) -> User:
    return User.objects.create_user(username="newcomer")


@pytest.fixture
def page(operator) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def rows() -> list[tuple]:
    fields = ("by_name", "person_name", "role_before", "role_after", "reason")
    return list(RoleChange.objects.order_by("pk").values_list(*fields))


def give(page: Client, person: str, role: str, reason: str = "Joins the treasury on 1 December.") -> str:
    form = {"person": person, "role": role, "reason": reason}
    return page.post("/roles/", form, follow=True).content.decode()


def test_an_operator_finds_somebody_by_their_wallet_and_gives_a_role_with_a_reason(page, newcomer):
    Wallet.objects.create(address=WALLET, owner=newcomer, is_contract=False)
    found = page.get("/roles/", {"q": "0xABABAB"}).content.decode()
    assert 'name="person" value="newcomer"' in found
    text = give(page, "newcomer", "auditor")
    assert "newcomer is now: auditor." in text
    assert User.objects.get(username="newcomer").role == "auditor"
    assert rows() == [("operator", "newcomer", "provider", "auditor", "Joins the treasury on 1 December.")]
    assert "Joins the treasury on 1 December." in text
    assert "newcomer is now: liquidity provider." in give(page, "newcomer", "provider", "Leaves.")
    assert rows()[1] == ("operator", "newcomer", "auditor", "provider", "Leaves.")


def test_the_search_shows_nobody_without_a_word_and_twenty_at_most(page):
    for number in range(25):
        User.objects.create_user(username=f"lantern {number:02}")
    assert "lantern" not in page.get("/roles/").content.decode()
    text = page.get("/roles/", {"q": "LANTERN"}).content.decode()
    assert text.count('name="person" value="lantern') == 20
    assert "The first 20 are shown." in text
    assert "Nobody has “nobody”" in page.get("/roles/", {"q": "nobody"}).content.decode()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_a_role_is_given_for_a_reason(page, newcomer, reason):
    assert "Say why the role changes, in 1 to 300 characters." in give(page, "newcomer", "auditor", reason)
    assert User.objects.get(pk=newcomer.pk).role == "provider"
    assert rows() == []


def test_nobody_changes_their_own_role(page, operator):
    assert "You can&#x27;t change your own role." in give(page, "operator", "provider")
    assert "That is you." in page.get("/roles/", {"q": "operator"}).content.decode()
    with pytest.raises(OwnRoleError):
        role_set(by=operator, person=User.objects.get(pk=operator.pk), role=User.Role.PROVIDER)
    assert rows() == []


def test_a_makers_member_gets_no_role_that_judges_pay(page, operator, newcomer):
    aurora = Maker.objects.create(slug="aurora", name="Aurora")
    member_add(by=operator, maker=aurora, person=newcomer)
    assert "belong to a maker at once" in give(page, "newcomer", "treasurer")
    assert "Who belongs to a maker has no role here" in page.get("/roles/", {"q": "newcomer"}).content.decode()
    member_remove(by=operator, maker=aurora, person=newcomer)
    assert [row[2:] for row in rows()] == [
        ("provider", "maker", "Became a member of Aurora."),
        ("maker", "provider", "Left Aurora."),
    ]


def test_a_role_that_the_page_does_not_offer_is_not_given(page, newcomer):
    for role in ("maker", "admin", ""):
        assert "Nothing was changed" in give(page, "newcomer", role)
    assert "Nothing was changed" in give(page, "stranger", "auditor")
    assert rows() == []


def test_a_role_given_in_a_shell_leaves_the_same_row(operator, newcomer):
    role_set(by=operator, person=newcomer, role=User.Role.REVIEWER)
    role_set(by=operator, person=newcomer, role=User.Role.REVIEWER)
    assert rows() == [("operator", "newcomer", "provider", "reviewer", "Given in a shell.")]
    with pytest.raises(RoleReasonError):
        role_set(by=operator, person=newcomer, role=User.Role.AUDITOR, reason=" ")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_rolechange SET reason = 'another'", "UPDATE accounts_rolechange SET by_id = NULL",
     "DELETE FROM accounts_rolechange"],
)  # fmt: skip
def test_the_database_keeps_every_row_as_it_was_written(operator, newcomer, statement):
    role_set(by=operator, person=newcomer, role=User.Role.REVIEWER)
    written = rows()
    with pytest.raises(IntegrityError, match="only ever added"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    User.objects.filter(pk=newcomer.pk).delete()
    assert rows() == written


def test_the_first_operator_is_made_on_the_server_and_no_second_one(newcomer):
    call_command("first_operator", "newcomer", stdout=StringIO())
    assert User.objects.get(pk=newcomer.pk).role == "operator"
    assert rows() == [("", "newcomer", "provider", "operator", "The first operator, made on the server.")]
    with pytest.raises(OperatorExistsError, match="There is an operator already: newcomer"):
        first_operator_make(person=User.objects.create_user(username="second"))
    with pytest.raises(CommandError, match="There is an operator already"):
        call_command("first_operator", "second")
    with pytest.raises(CommandError, match="No account is called nobody"):
        call_command("first_operator", "nobody")


def test_a_makers_member_is_not_made_the_first_operator(newcomer):
    Maker.objects.create(slug="aurora", name="Aurora").members.add(newcomer)
    with pytest.raises(MemberConflictError):
        first_operator_make(person=newcomer)


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_who_take_the_role_from_each_other_at_once_one_stays(operator):
    second = User.objects.create_user(username="second", role="operator")
    together, outcomes = threading.Barrier(2), []

    def take(by: User, person: User) -> None:
        together.wait()
        try:
            role_set(by=by, person=person, role=User.Role.PROVIDER)
            outcomes.append("taken")
        except NotPermittedError:
            outcomes.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=take, args=pair) for pair in ((operator, second), (second, operator))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "taken"]
    assert User.objects.filter(role="operator").count() == RoleChange.objects.count() == 1
