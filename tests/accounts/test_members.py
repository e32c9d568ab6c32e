"""Roles and membership: who judges pay belongs to no maker, nobody raises themselves, a maker keeps an admin."""

import threading

import pytest
from django.db import connections
from django.test import Client

from accounts.errors import LastAdminError, MemberConflictError, NotMemberError, NotPermittedError, OwnRoleError
from accounts.members import member_add, member_admin_set, member_remove, role_set
from accounts.models import Maker, User, Wallet
from accounts.roles import sees_maker

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_user(username="operator", role="operator")


@pytest.fixture
def aurora(db) -> Maker:
    return Maker.objects.create(slug="aurora", name="Aurora")


@pytest.fixture
def admin(operator, aurora) -> User:
    person = User.objects.create_user(username="admin")
    member_add(by=operator, maker=aurora, person=person, is_admin=True)
    return person


def test_a_member_sees_the_makers_figures_and_is_a_provider_again_afterwards(admin, aurora):
    person = User.objects.create_user(username="newcomer")
    assert not sees_maker(person=person, maker=aurora)
    member_add(by=admin, maker=aurora, person=person)
    assert sees_maker(person=person, maker=aurora)
    member_remove(by=admin, maker=aurora, person=person)
    assert not sees_maker(person=person, maker=aurora)
    assert User.objects.get(pk=person.pk).role == "provider"


def test_a_makers_admin_has_no_say_in_another_maker(admin):
    other = Maker.objects.create(slug="meridian", name="Meridian")
    with pytest.raises(NotPermittedError, match="Saying who belongs to Meridian is for its admins and operators"):
        member_add(by=admin, maker=other, person=admin)
    assert not sees_maker(person=admin, maker=other)


@pytest.mark.parametrize("role", ["treasurer", "reviewer", "guardian", "operator", "auditor"])
def test_who_decides_on_pay_or_watches_over_it_belongs_to_no_maker(admin, operator, aurora, role):
    watcher = User.objects.create_user(username="watcher", role=role)
    with pytest.raises(MemberConflictError, match="judging their own pay"):
        member_add(by=admin, maker=aurora, person=watcher)
    with pytest.raises(MemberConflictError):
        role_set(by=operator, person=admin, role=User.Role(role))
    assert User.objects.get(pk=admin.pk).role == "maker"


def test_nobody_gives_themselves_a_role(operator):
    with pytest.raises(OwnRoleError):
        role_set(by=operator, person=operator, role=User.Role.TREASURER)


def test_a_maker_with_members_keeps_an_admin_and_the_last_one_out_may_go(admin, operator, aurora):
    person = User.objects.create_user(username="newcomer")
    with pytest.raises(NotMemberError, match="Add them first"):
        member_admin_set(by=admin, maker=aurora, person=person, is_admin=True)
    member_add(by=admin, maker=aurora, person=person)
    with pytest.raises(LastAdminError, match="Name another admin first"):
        member_remove(by=admin, maker=aurora, person=admin)
    member_remove(by=admin, maker=aurora, person=person)
    member_remove(by=admin, maker=aurora, person=admin)
    assert aurora.members.count() == 0


def test_an_admin_adds_somebody_by_their_wallet_on_the_page_and_is_told_what_happened(admin, aurora):
    newcomer = User.objects.create_user(username="newcomer")
    Wallet.objects.create(address="0x" + "ab" * 20, owner=newcomer, is_contract=False)
    client = Client()
    client.force_login(admin)
    page = client.get("/account/").content.decode()
    assert "/makers/aurora/members/" in page

    def change(action: str, person: str) -> str:
        return client.post(
            "/makers/aurora/members/", {"action": action, "person": person}, follow=True
        ).content.decode()

    assert "newcomer is a member of Aurora now." in change("add", "0x" + "AB" * 20)
    assert "newcomer is an admin of Aurora now." in change("make-admin", "newcomer")
    assert set(aurora.admins.all()) == {admin, newcomer}
    assert "newcomer is no admin of Aurora any more." in change("end-admin", "newcomer")
    assert "Name another admin first" in change("remove", "admin")
    assert "newcomer is no member of Aurora any more." in change("remove", "newcomer")
    assert "No account is called “stranger”" in change("add", "stranger")
    assert "Nothing was changed" in change("promote", "newcomer")
    assert list(aurora.members.all()) == [admin]


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_remove_each_other_at_once_one_stays(admin, operator, aurora):
    second = User.objects.create_user(username="second")
    member_add(by=operator, maker=aurora, person=second, is_admin=True)
    member_add(by=operator, maker=aurora, person=User.objects.create_user(username="third"))
    together, outcomes = threading.Barrier(2), []

    def remove(by: User, person: User) -> None:
        together.wait()
        try:
            member_remove(by=by, maker=aurora, person=person)
            outcomes.append("removed")
        except (LastAdminError, NotPermittedError):
            outcomes.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((admin, second), (second, admin))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "removed"]
    assert aurora.admins.count() == 1
