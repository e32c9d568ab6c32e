"""Which role may call which service: every service that a page can reach asks for the role again, all others are out
of the pages' reach."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser

import rewards.services
from accounts.errors import NotPermittedError
from accounts.members import member_add, member_admin_set, member_remove, role_set
from accounts.models import Maker, User
from accounts.roles import Person
from onchain.errors import NoProviderError
from onchain.rpc import Policy, connect
from rewards.errors import NotAllowedError
from rewards.services.approval import approve_with_local_node
from tests.pages.factories import Scene, scene
from tests.pages.test_access import ROLES, person_of

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]
OWN_ADMIN, OPERATOR = "own maker's admin", "operator"

# Services that take who asks, with the roles that may.
BY_ROLE = {
    "rewards.services.approval.approve_with_local_node": {"treasurer"},
    "accounts.members.role_set": {OPERATOR},
    "accounts.members.member_add": {OPERATOR, OWN_ADMIN},
    "accounts.members.member_remove": {OPERATOR, OWN_ADMIN},
    "accounts.members.member_admin_set": {OPERATOR, OWN_ADMIN},
}
# Services that change what belongs to whoever asks, by their session or signature, and nothing else.
OWN = {
    f"accounts.sign_in.{name}"
    for name in (
        *("checking_node", "message_issue", "wallet_sign_in", "wallet_link", "wallet_unlink"),
        *("sign_in_record", "sessions_end_all", "session_end"),
    )
}
# The contract pays the account that it names, whoever asks.
ANYBODY = {"rewards.services.claims.claim_request"}
# What workers and commands call. No page may import one: who calls it is not asked.
MACHINE = {
    *(f"accounts.services.{name}" for name in ("maker_enrol", "maker_payouts_set")),
    *(f"onchain.services.{name}" for name in ("contract_watch", "market_register")),
    "rewards.services.alarms.alarms_set",
    *(f"rewards.services.chain_sync.{name}" for name in ("program_watch", "program_sync")),
    "rewards.services.checks.checks_run",
    *(f"rewards.services.claims.{name}" for name in ("claims_relay", "relayer")),
    *(f"rewards.services.gathering.{name}" for name in ("ground_of", "gather", "check_epoch_before", "epoch_before")),
    "rewards.services.live.live_score",
    *(f"rewards.services.programs.{name}" for name in ("program_create", "epoch_schedule", "program_template_set")),
    *(f"rewards.services.programs.{name}" for name in ("epoch_schedule_next", "epochs_begin")),
    *(f"rewards.services.publishing.{name}" for name in ("program_advance", "proposer", "proposals_resolve")),
    "rewards.services.publishing.proposal_of",
    *(f"rewards.services.scoring.{name}" for name in ("epoch_score_if_due", "stretches_score_or_stop")),
    *(f"rewards.services.scoring.{name}" for name in ("epoch_score", "epoch_reopen")),
    *(f"rewards.services.stretches.{name}" for name in ("stretch_ends", "stretch_key", "stretches_due")),
    *(f"rewards.services.stretches.{name}" for name in ("stretch_score_next", "stretches_score", "stretches_done")),
    "rewards.services.stretches.stretched_scores",
}
MODULES = {
    *("accounts.services", "accounts.sign_in", "accounts.members", "onchain.services"),
    *(module.name for module in pkgutil.walk_packages(rewards.services.__path__, "rewards.services.")),
}


def services() -> set[str]:
    """Every public function that a module of services defines."""
    return {
        f"{name}.{function}"
        for name in MODULES
        for function, value in vars(importlib.import_module(name)).items()
        if inspect.isfunction(value) and value.__module__ == name and not function.startswith("_")
    }


def imported_by_pages() -> set[str]:
    """Every name out of a module of services that a page's module imports; a whole module counts as all of it."""
    found = set()
    for path in [*(REPOSITORY / "rewards/views").rglob("*.py"), *(REPOSITORY / "accounts").glob("*views.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found |= {s for s in services() if s == whole or s.startswith(whole + ".")}
            elif isinstance(node, ast.Import):
                found |= {s for s in services() for alias in node.names if s.startswith(alias.name + ".")}
    return found


def test_every_service_stands_in_the_table_once():
    tables = [set(BY_ROLE), OWN, ANYBODY, MACHINE]
    assert sum(map(len, tables)) == len(set.union(*tables))
    assert services() == set.union(*tables)


def test_no_page_reaches_a_service_that_does_not_ask_who_calls():
    reached = imported_by_pages()
    assert reached & MACHINE == set()
    assert "rewards.services.approval.approve_with_local_node" in reached


@pytest.fixture
def stage(settings) -> Scene:
    settings.LOCAL_TREASURY_SIGNER = True
    return scene()


def _approve(stage: Scene, by: Person) -> None:
    client = connect(urls=["http://127.0.0.1:9"], policy=Policy(attempts=1))
    try:
        approve_with_local_node(client, epoch=stage.waiting, by=by)
    except NoProviderError:
        """Whoever gets as far as the chain was allowed."""
    finally:
        client.close()


def _somebody(*makers: Maker) -> User:
    person = User.objects.create_user(username="somebody", role="maker" if makers else "provider")
    for maker in makers:
        maker.members.add(person)
    return person


def _remove(stage: Scene, by: Person) -> None:
    maker = stage.makers["aurora"]
    member_remove(by=by, maker=maker, person=_somebody(maker))


def _make_admin(stage: Scene, by: Person) -> None:
    maker = stage.makers["aurora"]
    member_admin_set(by=by, maker=maker, person=_somebody(maker), is_admin=True)


CALLS: dict[str, Callable[[Scene, Person], None]] = {
    "rewards.services.approval.approve_with_local_node": _approve,
    "accounts.members.role_set": lambda _, by: role_set(by=by, person=_somebody(), role=User.Role.AUDITOR),
    "accounts.members.member_add": lambda s, by: member_add(by=by, maker=s.makers["aurora"], person=_somebody()),
    "accounts.members.member_remove": _remove,
    "accounts.members.member_admin_set": _make_admin,
}


@pytest.mark.parametrize("service", BY_ROLE)
def test_a_service_refuses_every_role_but_those_of_the_table(stage, service):
    allowed = set()
    for role in ROLES:
        by = AnonymousUser() if role == "nobody" else person_of(role)
        try:
            CALLS[service](stage, by)
            allowed.add(role)
        except (NotPermittedError, NotAllowedError) as error:
            assert str(error).endswith(".")  # noqa: PT017 - the refusals are what is counted here
        User.objects.filter(username="somebody").delete()
    assert allowed == BY_ROLE[service]


@pytest.mark.parametrize("service", BY_ROLE)
def test_who_is_switched_off_may_do_nothing_any_more(stage, service):
    role = next(iter(BY_ROLE[service] & {"treasurer", OPERATOR}))
    by = person_of(role)
    by.is_active = False
    with pytest.raises((NotPermittedError, NotAllowedError)):
        CALLS[service](stage, by)
