"""`manage.py alarm_resolve`: an operator lets the indexer look at the chain again."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from onchain.models import Alarm

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(settings):
    settings.SECOND_FACTOR_REQUIRED = False
    return User.objects.create_user("olu", role=User.Role.OPERATOR)


@pytest.fixture
def alarm():
    return Alarm.objects.create(kind="wrong_chain", message="The node serves chain 5.")


def test_an_alarm_that_was_looked_into_is_closed_with_who_and_why(operator, alarm):
    call_command("alarm_resolve", "wrong_chain", "--by", "olu", "--reason", "The URL was wrong.", verbosity=0)
    alarm.refresh_from_db()
    assert alarm.resolved_at is not None
    assert alarm.message == "The node serves chain 5. Resolved by olu: The URL was wrong."


@pytest.mark.parametrize(
    ("kind", "by", "reason", "said"),
    [
        ("wrong_chain", "nobody", "Looked.", "There is no account called nobody"),
        ("paused", "olu", "Looked.", "There is no open alarm called paused"),
        ("wrong_chain", "olu", " ", "needs a reason"),
        ("wrong_chain", "rey", "Looked.", "Resolving an alarm of the chain"),
    ],
)
def test_otherwise_it_stays_open_and_the_reason_is_said(operator, alarm, kind, by, reason, said):
    User.objects.create_user("rey", role=User.Role.REVIEWER)
    with pytest.raises(CommandError, match=said):
        call_command("alarm_resolve", kind, "--by", by, "--reason", reason)
    alarm.refresh_from_db()
    assert alarm.resolved_at is None
