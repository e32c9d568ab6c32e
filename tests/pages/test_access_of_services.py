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
from django.utils import timezone

import rewards.services
from accounts.errors import NotPermittedError
from accounts.members import member_add, member_admin_set, member_remove, role_set
from accounts.models import Maker, User, Wallet
from accounts.roles import Person
from onchain.errors import NoProviderError
from onchain.rpc import Policy, connect
from rewards.errors import NotAllowedError, SignatureRefusedError
from rewards.models import AutoCollect, Delivery, Dispute, Epoch, Notice, SafeTransaction, WebhookEndpoint
from rewards.services.approval import approve_with_local_node
from rewards.services.attachments import file_checked
from rewards.services.auto_collect import auto_collect_set
from rewards.services.corrections import correction_confirm, correction_enter, correction_withdraw
from rewards.services.disputes import dispute_attach, dispute_decide, dispute_open, dispute_say, dispute_withdraw
from rewards.services.notices import endpoints
from rewards.services.safe_signatures import safe_signature_add
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import Scene, scene
from tests.pages.test_access import ROLES, person_of

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]
OWN_ADMIN, OPERATOR = "own maker's admin", "operator"
CORRECTS = ("treasurer", "reviewer", OPERATOR)

# Services that take who asks, with the roles that may.
BY_ROLE = {
    "rewards.services.safe_signatures.safe_signature_add": {"treasurer", OPERATOR},
    "rewards.services.approval.approve_with_local_node": {"treasurer"},
    "accounts.members.role_set": {OPERATOR},
    **{
        f"rewards.services.notices.endpoints.{name}": {OPERATOR, OWN_ADMIN}
        for name in (
            *("require_manages_webhooks", "webhook_add", "webhook_change_secret", "webhook_switch", "webhook_remove"),
            *("webhook_test", "webhook_send_again"),
        )
    },
    "accounts.members.member_add": {OPERATOR, OWN_ADMIN},
    "accounts.members.member_remove": {OPERATOR, OWN_ADMIN},
    "accounts.members.member_admin_set": {OPERATOR, OWN_ADMIN},
    "rewards.services.disputes.dispute_open": {"own maker", OWN_ADMIN},
    "rewards.services.disputes.dispute_withdraw": {"own maker", OWN_ADMIN},
    "rewards.services.disputes.dispute_decide": {"treasurer"},
    "rewards.services.disputes.dispute_say": {"own maker", OWN_ADMIN, *CORRECTS},
    "rewards.services.disputes.dispute_attach": {"own maker", OWN_ADMIN, *CORRECTS},
    "rewards.services.corrections.correction_enter": {*CORRECTS},
    "rewards.services.corrections.correction_confirm": {*CORRECTS},
    "rewards.services.corrections.correction_withdraw": {*CORRECTS},
}
# Services that change what belongs to whoever asks, by their session or signature, and nothing else.
OWN = {"rewards.services.auto_collect.auto_collect_set", "rewards.services.notices.mailing.mail_choose"} | {
    f"accounts.sign_in.{name}"
    for name in (
        *("checking_node", "message_issue", "wallet_sign_in", "wallet_link", "wallet_unlink"),
        *("sign_in_record", "sessions_end_all", "session_end"),
    )
}
# The contract pays the account that it names, whoever asks.
ANYBODY = {
    "rewards.services.claims.claim_request",
    # Whoever has the link that was mailed; its signature says whose mail it ends.
    "rewards.services.notices.mailing.mail_stop",
}
# They write nothing, and the pages that show what they make ask for the role.
READS = {
    "rewards.services.announcing.epoch_topic",
    "rewards.services.looking.moment_of",
    "rewards.services.safe_export.builder_file",
    "rewards.services.notices.words.words_of",
    "rewards.services.notices.mailing.read_token",
    "rewards.services.attachments.file_checked",
    "rewards.services.correction_kinds.kind_of",
}
# What workers and commands call, by module. No page may import one: who calls it is not asked.
MACHINE_BY_MODULE = {
    "accounts.services": "maker_enrol maker_payouts_set",
    "onchain.services": "contract_watch market_register",
    "rewards.services.alarms": "alarms_set",
    "rewards.services.announcing": "announce",
    "rewards.services.attestation": "attest",
    "rewards.services.auto_collect": "auto_collect_ask",
    "rewards.services.chain_sync": "program_watch program_sync",
    "rewards.services.check_rules": "account_limit budget bundle_of claimed evidence_names monotone outliers"
    " parent_root read_evidence recipients root_rebuilt total",
    "rewards.services.checks": "approval_checks_due approval_is_safe check_waive checks_run",
    "rewards.services.claims": "claims_relay relayer",
    "rewards.services.correction_kinds": "makers_corrected same_data",
    "rewards.services.rescoring": "rescores_advance",
    "rewards.services.revisions": "revision_keep replaced_manifest",
    "rewards.services.gathering": "ground_of gather check_epoch_before epoch_before",
    "rewards.services.live": "live_score",
    "rewards.services.notices.delivering": "deliveries_do delivery_try post_body",
    "rewards.services.notices.finding": "found",
    "rewards.services.notices.mailing": "mail stop_token",
    "rewards.services.notices.posting": "check_url post",
    "rewards.services.notices.recording": "notices_record notice_write tell",
    "rewards.services.notices.signing": "new_secret signature_header seal unseal signing_keys",
    "rewards.services.programs": "program_create epoch_schedule program_template_set epoch_schedule_next epochs_begin",
    "rewards.services.proofs": "proof_packs_write",
    "rewards.services.publishing": "program_advance proposer proposals_resolve proposal_of",
    "rewards.services.quote_cells": "quote_cells_advance quote_cells_due",
    "rewards.services.recompute": "events_difference read_manifest recompute",
    "rewards.services.role_alarms": "roles_watch",
    "rewards.services.safe": "safe_execute safe_look safe_transaction_for safe_tx_of safes_advance safes_execute",
    "rewards.services.safe_export": "with_checksum",
    "rewards.services.scoring": "epoch_score_if_due stretches_score_or_stop epoch_score epoch_reopen",
    "rewards.services.stretches": "stretch_ends stretch_key stretches_due stretch_score_next stretches_score"
    " stretches_done stretched_scores",
}
MACHINE = {f"{module}.{name}" for module, names in MACHINE_BY_MODULE.items() for name in names.split()}
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
    tables = [set(BY_ROLE), OWN, ANYBODY, READS, MACHINE]
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


def _sign_safe(_: Scene, by: Person) -> None:
    closed = SafeTransaction(state=SafeTransaction.State.DONE)
    with pytest.raises(SignatureRefusedError, match="no longer collects"):
        safe_signature_add(connect(urls=[]), by=by, stored=closed, signature="0x12")


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


def _webhook(stage: Scene) -> WebhookEndpoint:
    url = "http://127.0.0.1:9/somebodys"
    return WebhookEndpoint.objects.get_or_create(maker=stage.makers["aurora"], url=url, defaults={"secret": b""})[0]


def _add_webhook(stage: Scene, by: Person) -> None:
    WebhookEndpoint.objects.all().delete()
    endpoints.webhook_add(by=by, maker=stage.makers["aurora"], url="http://127.0.0.1:9/somebodys")


def _send_again(stage: Scene, by: Person) -> None:
    notice, _ = Notice.objects.get_or_create(key="k", kind="webhook.test", defaults={"at": timezone.now(), "data": {}})
    delivery, _ = Delivery.objects.get_or_create(
        notice=notice, endpoint=_webhook(stage), defaults={"next_at": timezone.now()}
    )
    endpoints.webhook_send_again(by=by, delivery=delivery, now=timezone.now())


WEBHOOK_CALLS: dict[str, Callable[[Scene, Person], object]] = {
    "require_manages_webhooks": lambda s, by: endpoints.require_manages_webhooks(person=by, maker=s.makers["aurora"]),
    "webhook_add": _add_webhook,
    "webhook_change_secret": lambda s, by: endpoints.webhook_change_secret(
        by=by, endpoint=_webhook(s), now=timezone.now()
    ),
    "webhook_switch": lambda s, by: endpoints.webhook_switch(by=by, endpoint=_webhook(s), on=True),
    "webhook_remove": lambda s, by: endpoints.webhook_remove(by=by, endpoint=_webhook(s)),
    "webhook_test": lambda s, by: endpoints.webhook_test(by=by, endpoint=_webhook(s), now=timezone.now()),
    "webhook_send_again": _send_again,
}


def _open_dispute(stage: Scene, by: Person) -> None:
    epoch = stage.waiting
    Epoch.objects.filter(pk=epoch.pk).update(review_until_ms=epoch.end_ms + 1)
    dispute_open(
        by=by, epoch=epoch, maker=stage.makers["aurora"], market="AAPL-PERP", from_ms=epoch.start_ms,
        to_ms=epoch.end_ms, kind=Dispute.Kind.OTHER, text="It is wrong.", now_ms=epoch.end_ms,
    )  # fmt: skip


def _refuse_dispute(stage: Scene, by: Person) -> None:
    dispute_decide(by=by, dispute=make_dispute(stage.waiting), decision=Dispute.State.REFUSED, reason="It is right.")


def _attach(stage: Scene, by: Person) -> None:
    file = file_checked(name="note.txt", content=b"a note")
    dispute_attach(by=by, dispute=make_dispute(stage.waiting), file=file)


def _correct(stage: Scene, by: Person) -> None:
    given = {"addresses": "0x" + "cd" * 20, "maker": ""}
    entered = correction_enter(by=by, epoch=stage.waiting, kind="link", given=given, reason="Nobody's.")
    correction_withdraw(by=by, correction=entered)


CALLS: dict[str, Callable[[Scene, Person], object]] = {
    "rewards.services.approval.approve_with_local_node": _approve,
    "rewards.services.safe_signatures.safe_signature_add": _sign_safe,
    **{f"rewards.services.notices.endpoints.{name}": call for name, call in WEBHOOK_CALLS.items()},
    "accounts.members.role_set": lambda _, by: role_set(by=by, person=_somebody(), role=User.Role.AUDITOR),
    "accounts.members.member_add": lambda s, by: member_add(by=by, maker=s.makers["aurora"], person=_somebody()),
    "accounts.members.member_remove": _remove,
    "accounts.members.member_admin_set": _make_admin,
    "rewards.services.disputes.dispute_open": _open_dispute,
    "rewards.services.disputes.dispute_withdraw": lambda s, by: dispute_withdraw(
        by=by, dispute=make_dispute(s.waiting)
    ),
    "rewards.services.disputes.dispute_decide": _refuse_dispute,
    "rewards.services.disputes.dispute_say": lambda s, by: dispute_say(
        by=by, dispute=make_dispute(s.waiting), text="Yes."
    ),
    "rewards.services.disputes.dispute_attach": _attach,
    "rewards.services.corrections.correction_enter": _correct,
    "rewards.services.corrections.correction_confirm": lambda s, by: correction_confirm(
        by=by, correction=make_correction(s.waiting)
    ),
    "rewards.services.corrections.correction_withdraw": lambda s, by: correction_withdraw(
        by=by, correction=make_correction(s.waiting)
    ),
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
    role = next(iter(BY_ROLE[service] & {"treasurer", OPERATOR} or BY_ROLE[service]))
    by = person_of(role)
    by.is_active = False
    with pytest.raises((NotPermittedError, NotAllowedError)):
        CALLS[service](stage, by)


def test_collecting_by_itself_is_for_whoever_has_proven_the_account_and_no_role_replaces_that(stage):
    owner, account = User.objects.create_user(username="owner"), "0x" + "cd" * 20
    wallet = Wallet.objects.create(address=account, owner=owner, is_contract=False)
    for role in ROLES:
        by = AnonymousUser() if role == "nobody" else person_of(role)
        with pytest.raises(NotAllowedError):
            auto_collect_set(by=by, program=stage.program, account=account, on=True)
    auto_collect_set(by=owner, program=stage.program, account=account, on=True)
    assert AutoCollect.objects.get().account == account
    wallet.delete()
    with pytest.raises(NotAllowedError):
        auto_collect_set(by=owner, program=stage.program, account=account, on=False)
