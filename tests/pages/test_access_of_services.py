"""Which role may call which service: every service that a page can reach asks for the role again, all others are out
of the pages' reach."""

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

import rewards.services
from accounts.api_keys import api_key_make
from accounts.enrolment import enrolment_ask, enrolment_refuse
from accounts.errors import (
    EnrolmentFieldError,
    IneligibleError,
    MalformedMessageError,
    NotPermittedError,
    PayoutSharesError,
    ReasonMissingError,
    SanctionsFileError,
)
from accounts.members import member_add, member_admin_set, member_remove, role_set
from accounts.models import Enrolment, Maker, User, Wallet
from accounts.roles import Person
from accounts.services import maker_enrol, maker_payouts_set
from accounts.sign_in import Asked
from onchain.errors import NoProviderError
from onchain.models import Market
from onchain.rpc import Policy, connect
from rewards.errors import (
    NotAllowedError,
    NotFoundError,
    NotWithheldError,
    ProgramRefusedError,
    RederivationRefusedError,
    ReviewRefusedError,
    SignatureRefusedError,
)
from rewards.models import (
    AutoCollect,
    Delivery,
    Dispute,
    Epoch,
    Flag,
    Notice,
    SafeTransaction,
    TermsVersion,
    WebhookEndpoint,
    WhatIfJob,
)
from rewards.services.action_import import actions_import
from rewards.services.actions import ActionDraft, action_confirm, action_enter, action_withdraw
from rewards.services.approval import approve_with_local_node
from rewards.services.attachments import file_checked
from rewards.services.auto_collect import auto_collect_set
from rewards.services.chain_alarms import chain_alarm_resolve
from rewards.services.checks import check_waive
from rewards.services.corrections import correction_confirm, correction_enter, correction_withdraw
from rewards.services.disputes import dispute_attach, dispute_decide, dispute_open, dispute_say, dispute_withdraw
from rewards.services.makers import address_add, address_remove, enrolment_accept, maker_leave
from rewards.services.notices import endpoints
from rewards.services.payouts import payouts_change
from rewards.services.program_opening import NewProgram, program_open
from rewards.services.quarantine import rederivation_ask
from rewards.services.review import (
    epoch_approve,
    epoch_comment,
    epoch_lift,
    epoch_put_forward,
    epoch_send_back,
    flag_judge,
)
from rewards.services.safe_signatures import safe_signature_add
from rewards.services.sanctions import sanctions_load
from rewards.services.terms_versions import (
    terms_accept,
    terms_change,
    terms_comment,
    terms_draft,
    terms_hand_in,
    terms_send_back,
    terms_withdraw,
)
from rewards.services.vaults import vault_drop, vault_end, vault_name, vault_read
from rewards.services.whatif import whatif_cancel
from rewards.services.withholding import pay_withhold
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import CLOCK, Scene, make_terms_version, make_what_if, scene, template
from tests.pages.test_access import ROLES, person_of

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]
OWN_ADMIN, OPERATOR = "own maker's admin", "operator"
CORRECTS = ("treasurer", "reviewer", OPERATOR)

# Services that take who asks, with the roles that may.
BY_ROLE = {
    "rewards.services.safe_signatures.safe_signature_add": {"treasurer", OPERATOR},
    "rewards.services.approval.approve_with_local_node": {"treasurer"},
    "rewards.services.program_opening.program_open": {"treasurer"},
    "rewards.services.terms_versions.terms_draft": {"treasurer"},
    "rewards.services.terms_versions.terms_change": {"treasurer"},
    "rewards.services.terms_versions.terms_hand_in": {"treasurer"},
    "rewards.services.terms_versions.terms_accept": {"treasurer", "reviewer"},
    "rewards.services.terms_versions.terms_send_back": {"treasurer", "reviewer"},
    "rewards.services.terms_versions.terms_withdraw": {"treasurer", "reviewer"},
    "rewards.services.terms_versions.terms_comment": {"treasurer", "reviewer"},
    "rewards.services.review.epoch_put_forward": {"treasurer", "reviewer"},
    "rewards.services.review.epoch_send_back": {"treasurer", "reviewer"},
    "rewards.services.review.epoch_lift": {"treasurer", "reviewer"},
    "rewards.services.review.epoch_approve": {"treasurer"},
    "rewards.services.review.flag_judge": {"treasurer", "reviewer"},
    "rewards.services.review.epoch_comment": {"treasurer", "reviewer", "guardian", OPERATOR},
    "rewards.services.whatif.whatif_ask": {"treasurer", "reviewer"},
    # Whoever asked, and nobody else (tests/rewards/test_what_ifs.py).
    "rewards.services.whatif.whatif_cancel": {"treasurer", "reviewer"},
    # An operator only as long as the maker has no admin (tests/rewards/test_vaults_and_people.py).
    "rewards.services.vaults.vault_name": {OWN_ADMIN},
    "rewards.services.vaults.vault_end": {OWN_ADMIN},
    "rewards.services.vaults.vault_read": {OPERATOR},
    "rewards.services.vaults.vault_drop": {OPERATOR},
    "rewards.services.actions.action_enter": {"treasurer", OPERATOR},
    "rewards.services.actions.action_confirm": {"treasurer", OPERATOR},
    "rewards.services.actions.action_withdraw": {"treasurer", OPERATOR},
    "rewards.services.action_import.actions_import": {"treasurer", OPERATOR},
    "accounts.members.role_set": {OPERATOR},
    "accounts.api_keys.api_key_make": set(ROLES) - {"nobody"},
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
    "accounts.services.maker_enrol": {OPERATOR},
    # An operator only as long as the maker has no admin (tests/rewards/test_makers.py).
    "accounts.services.maker_payouts_set": {OWN_ADMIN},
    "accounts.enrolment.enrolment_ask": {"provider", "own maker", OWN_ADMIN, "other maker", "other maker's admin"},
    "accounts.enrolment.enrolment_refuse": {OPERATOR},
    "rewards.services.makers.enrolment_accept": {OPERATOR},
    "rewards.services.makers.address_add": {OWN_ADMIN},
    "rewards.services.makers.address_remove": {OWN_ADMIN},
    "rewards.services.makers.maker_leave": {OPERATOR, OWN_ADMIN},
    "rewards.services.payouts.payouts_change": {OWN_ADMIN},
    "rewards.services.sanctions.sanctions_load": {OPERATOR},
    "rewards.services.withholding.pay_withhold": {"treasurer"},
    "rewards.services.checks.check_waive": {"treasurer", "reviewer"},
    "rewards.services.disputes.dispute_open": {"own maker", OWN_ADMIN},
    "rewards.services.disputes.dispute_withdraw": {"own maker", OWN_ADMIN},
    "rewards.services.disputes.dispute_decide": {"treasurer"},
    "rewards.services.disputes.dispute_say": {"own maker", OWN_ADMIN, *CORRECTS},
    "rewards.services.disputes.dispute_attach": {"own maker", OWN_ADMIN, *CORRECTS},
    "rewards.services.quarantine.rederivation_ask": {OPERATOR},
    "rewards.services.chain_alarms.chain_alarm_resolve": {OPERATOR},
    "rewards.services.corrections.correction_enter": {*CORRECTS},
    "rewards.services.corrections.correction_confirm": {*CORRECTS},
    "rewards.services.corrections.correction_withdraw": {*CORRECTS},
}
# Services that change what belongs to whoever asks, by their session or signature, and nothing else.
OWN = (
    {"rewards.services.auto_collect.auto_collect_set", "rewards.services.notices.mailing.mail_choose"}
    | {
        f"accounts.sign_in.{name}"
        for name in (
            *("checking_node", "message_issue", "wallet_sign_in", "wallet_link", "wallet_unlink"),
            *("sign_in_record", "sessions_end_all", "sessions_end_others", "session_end"),
        )
    }
    | {"accounts.ways_in.ways_in", "accounts.ways_in.require_another_way_in"}
)
OWN |= (
    {
        f"accounts.enrolment.{name}"
        for name in ("enrolment_address_prove", "enrolment_address_drop", "enrolment_withdraw")
    }
    | {"accounts.quoting.quoting_message", "accounts.quoting.quoting_check"}
    | {
        # Of one's own keys (tests/api/test_keys.py).
        *(f"accounts.api_keys.{name}" for name in ("api_key_rotate", "api_key_revoke")),
    }
)
# The contract pays the account that it names, whoever asks.
ANYBODY = {
    "rewards.services.claims.claim_request",
    # Whoever has the link that was mailed; its signature says whose mail it ends.
    "rewards.services.notices.mailing.mail_stop",
}
# They write nothing, and the pages that show what they make ask for the role.
READS = {
    "rewards.services.checks.approval_is_safe",
    "rewards.services.announcing.epoch_topic",
    "rewards.services.live_standings.snapshot",
    "rewards.services.news.hub",
    "rewards.services.news.readers_open",
    "rewards.services.proofs.proof_pack",
    # It notes when a key was used, and who calls is what it finds out.
    *(f"accounts.api_keys.{name}" for name in ("api_key_check", "api_keys_of", "api_keys_open", "key_prefix")),
    "rewards.services.looking.moment_of",
    "rewards.services.safe_export.builder_file",
    "rewards.services.notices.words.words_of",
    "rewards.services.notices.mailing.read_token",
    "rewards.services.actions.action_check",
    "rewards.services.actions.closure_draft",
    "rewards.services.attachments.file_checked",
    "rewards.services.correction_kinds.kind_of",
    "rewards.services.payouts.pay_sentence",
    "accounts.sign_in.session_person",
}
# What workers and commands call, by module. No page may import one: who calls it is not asked.
MACHINE_BY_MODULE = {
    # For somebody with a shell on the server, while nobody is an operator.
    "accounts.members": "first_operator_make",
    "accounts.services": "address_attach change_note",
    "rewards.services.boundary": "boundary_hold",
    "rewards.services.check_eligible": "eligible",
    "onchain.services": "contract_watch market_add market_file_check market_register",
    "rewards.services.trial": "trial_score trial_terms",
    "rewards.services.action_import": "drafts_read",
    "rewards.services.alarms": "alarms_set",
    "rewards.services.announcing": "announce",
    "rewards.services.attestation": "attest",
    "rewards.services.auto_collect": "auto_collect_ask",
    "rewards.services.backup.checking": "backup_check",
    "rewards.services.backup.facts": "database_facts table_counts applied unknown_migrations",
    "rewards.services.backup.making": "backup_make entries missing_evidence",
    "rewards.services.backup.manifest": "read_manifest entry_of",
    "rewards.services.backup.programs": "run programs_folder",
    "rewards.services.backup.restoring": "backup_restore rights_faults",
    "rewards.services.archive.needed": "first_needed may_go contracts_for_ever evidence_names",
    "rewards.services.archive.store": "archive sha256_of",
    "rewards.services.archive.evidence": "evidence_archive evidence_check evidence_fetch",
    "rewards.services.archive.partitions": "partition_archive partition_drop partition_forget partition_check"
    " partition_restore partitions_to_go restorable_from",
    "rewards.services.chain_sync": "program_watch program_sync",
    "rewards.services.check_rules": "account_limit budget bundle_of claimed evidence_names monotone outliers"
    " parent_root read_evidence recipients root_rebuilt total",
    "rewards.services.checks": "approval_checks_due checks_run",
    "rewards.services.claims": "claims_relay relayer",
    "rewards.services.evidence_heads": "evidence_head_fix",
    "rewards.services.evidence_writing": "evidence_write",
    "rewards.services.entered_halts": "with_entered_halts place_halts",
    "rewards.services.correction_kinds": "makers_corrected same_data",
    "rewards.services.rescoring": "rescores_advance",
    "rewards.services.revisions": "revision_keep replaced_manifest",
    "rewards.services.gathering": "ground_of gather check_epoch_before epoch_before",
    "rewards.services.last_done": "last_done_note",
    "rewards.services.live": "live_due live_score",
    "rewards.services.notices.decisions": "found_of_people",
    "rewards.services.notices.delivering": "deliveries_do delivery_try post_body",
    "rewards.services.notices.finding": "found",
    "rewards.services.notices.mailing": "mail stop_token",
    "rewards.services.notices.posting": "check_url post",
    "rewards.services.notices.recording": "notices_record notice_write tell",
    "rewards.services.notices.signing": "new_secret signature_header seal unseal signing_keys",
    "rewards.services.notices.warning": "pay_warn people_warn",
    "rewards.services.programs": "program_create epoch_schedule program_template_set epoch_schedule_next epochs_begin",
    "rewards.services.proofs": "proof_packs_write",
    "rewards.services.publishing": "program_advance proposer proposals_resolve proposal_of",
    "rewards.services.luck": "luck_compute luck_due",
    "rewards.services.quarantine": "rederivations_do",
    "rewards.services.running": "worker_seen key_look",
    "rewards.services.quote_cells": "quote_cells_advance quote_cells_due",
    "rewards.services.recompute": "events_difference read_manifest recompute",
    "rewards.services.review_facts": "review_facts_due review_facts_compute",
    "rewards.services.role_alarms": "roles_watch",
    "rewards.services.safe": "safe_execute safe_look safe_transaction_for safe_tx_of safes_advance safes_execute",
    "rewards.services.safe_export": "with_checksum",
    "rewards.services.scoring": "epoch_score_if_due stretches_score_or_stop epoch_score epoch_reopen",
    "rewards.services.tallies": "process_name store_at_the_end",
    "rewards.services.terms_schedule": "waiting_epochs unversioned epochs_remake terms_of",
    "rewards.services.vaults": "vaults_wait vaults_of engine_transfers not_holders vault_rows_store",
    "rewards.services.whatif": "whatifs_due whatifs_sweep",
    "rewards.services.whatif_answer": "whatif_answer",
    "rewards.services.stretches": "stretch_ends stretch_key stretches_due stretch_score_next stretches_score"
    " stretches_done stretched_scores",
}
MACHINE = {f"{module}.{name}" for module, names in MACHINE_BY_MODULE.items() for name in names.split()}
MODULES = {
    *("accounts.services", "accounts.sign_in", "accounts.members", "accounts.ways_in", "onchain.services"),
    *("accounts.enrolment", "accounts.quoting", "accounts.api_keys"),
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
    for path in [
        *(REPOSITORY / "rewards/views").rglob("*.py"),
        *(REPOSITORY / "rewards/api").rglob("*.py"),
        *(REPOSITORY / "accounts").glob("*views.py"),
    ]:
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


def _name_vault(stage: Scene, by: Person) -> None:
    client = connect(urls=["http://127.0.0.1:9"], policy=Policy(attempts=1))
    names = {"vault": "0x" + "ab" * 20, "operator": "0x" + "cd" * 20}
    try:
        vault_name(by=by, maker=stage.makers["aurora"], now_ms=0, client=client, **names)
    except NoProviderError:
        """Whoever gets as far as the chain was allowed."""
    finally:
        client.close()


def _read_vault(_: Scene, by: Person) -> None:
    client = connect(urls=["http://127.0.0.1:9"], policy=Policy(attempts=1))
    with suppress(NoProviderError), closing(client):
        vault_read(by=by, vault="0x" + "ab" * 20, client=client)


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


def _resolve_alarm(_: Scene, by: Person) -> None:
    # None is open: whoever gets that far was allowed.
    with pytest.raises(NotFoundError, match="There is no open alarm called"):
        chain_alarm_resolve(by=by, kind="wrong_chain", reason="Looked.", now=timezone.now())


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


def _terms(stage: Scene, by: Person, *, handed_in: bool = False, own: bool = False) -> TermsVersion:
    """A version of the terms, somebody else's unless it is to be the caller's own."""
    version = make_terms_version(stage.program)
    if handed_in:
        when = {"now": timezone.now(), "now_ms": CLOCK}
        terms_hand_in(by=version.author, version=version, sha256=version.terms_sha256, **when)
    return own_version(version, by) if own and isinstance(by, User) else version


def own_version(version: TermsVersion, by: User) -> TermsVersion:
    """The same, drafted by the caller; a caller who may not draft is refused before anybody asks whose it is."""
    return terms_draft(
        by=by, program=version.program, document=json.loads(version.terms_json), epoch_days=7
    ) if by.role == "treasurer" and by.is_active else version  # fmt: skip


def _open(_: Scene, by: Person) -> None:
    new = NewProgram(
        slug="x", name="x", summary="", distributor="", token="", calendar="XNYS", epoch_days=7, start_block=1
    )
    with pytest.raises(ProgramRefusedError):
        program_open(connect(urls=[]), by=by, new=new)


def _hand_in(stage: Scene, by: Person) -> None:
    version = _terms(stage, by, own=True)
    terms_hand_in(by=by, version=version, sha256=version.terms_sha256, now=timezone.now(), now_ms=CLOCK)


def _change(stage: Scene, by: Person) -> None:
    version = _terms(stage, by, own=True)
    terms_change(by=by, version=version, document=json.loads(version.terms_json), epoch_days=6)


def _accept(stage: Scene, by: Person) -> None:
    version = _terms(stage, by, handed_in=True)
    when = {"now": timezone.now(), "now_ms": CLOCK}
    terms_accept(by=by, version=version, sha256=version.terms_sha256, from_epoch=stage.live.number + 1, **when)
    terms_withdraw(by=by, version=version, reason="For the next of the table.", **when)


def _withdraw(stage: Scene, by: Person) -> None:
    version = _terms(stage, by, handed_in=True)
    judge = User.objects.get_or_create(username="judge", defaults={"role": "reviewer"})[0]
    when = {"now": timezone.now(), "now_ms": CLOCK}
    terms_accept(by=judge, version=version, sha256=version.terms_sha256, from_epoch=stage.live.number + 1, **when)
    try:
        terms_withdraw(by=by, version=version, reason="A second thought.", **when)
    finally:
        version.refresh_from_db()
        if version.state == "scheduled":
            terms_withdraw(by=judge, version=version, reason="For the next of the table.", **when)


def _reviewed(deed: Callable[[Scene, Person], object]) -> Callable[[Scene, Person], None]:
    """Whoever gets as far as the epoch's own state was allowed; nothing stays."""

    def call(stage: Scene, by: Person) -> None:
        with suppress(ReviewRefusedError), transaction.atomic():
            deed(stage, by)
            transaction.set_rollback(True)

    return call


def _flag(stage: Scene) -> Flag:
    epoch = stage.waiting
    return Flag.objects.get_or_create(
        epoch=epoch, manifest_hash=epoch.manifest_hash, code="own_fills", key="k", level="note", sentence="s",
        subjects=[], figures={}, evidence=[],
    )[0]  # fmt: skip


def _request() -> Enrolment:
    found, _ = Enrolment.objects.get_or_create(
        slug="lantern", defaults={"region": "CH", "payout_account": "0x" + "12" * 20, "asked_by": _somebody()}
    )
    return found


def _accept_request(_: Scene, by: Person) -> None:
    # Nothing is proven: whoever gets that far was allowed.
    with pytest.raises(IneligibleError):
        enrolment_accept(by=by, enrolment=_request(), reason="It is.", now_ms=0)


def _refuse_request(_: Scene, by: Person) -> None:
    with pytest.raises(ReasonMissingError):
        enrolment_refuse(by=by, enrolment=_request(), reason=" ")


def _ask(_: Scene, by: Person) -> None:
    fields = {"name": "L", "contact": "mail", "region": "CH", "payout_account": "0x12", "terms_version": ""}
    with pytest.raises(EnrolmentFieldError):
        enrolment_ask(by=by, slug="lantern", **fields)


def _add_address(stage: Scene, by: Person) -> None:
    asked = Asked(domain="d", scheme="https", uri="https://d/", session_key="", now=timezone.now())
    with pytest.raises(MalformedMessageError):
        address_add(
            connect(urls=[]), by=by, asked=asked, maker=stage.makers["aurora"], text="", signature=b"", now_ms=0
        )


def _remove_address(stage: Scene, by: Person) -> None:
    with pytest.raises(ReasonMissingError):
        address_remove(by=by, maker=stage.makers["aurora"], address="0x12", reason="", now_ms=0)


def _leave(stage: Scene, by: Person) -> None:
    with pytest.raises(ReasonMissingError):
        maker_leave(by=by, maker=stage.makers["aurora"], reason="", now_ms=0)


def _set_payouts(stage: Scene, by: Person) -> None:
    maker = stage.makers["aurora"]
    maker.admins.add(_somebody(maker))
    with pytest.raises(PayoutSharesError):
        maker_payouts_set(by=by, maker=maker, shares=[], since_ms=0)


def _change_payouts(stage: Scene, by: Person) -> None:
    maker = stage.makers["aurora"]
    maker.admins.add(_somebody(maker))
    with pytest.raises(PayoutSharesError):
        payouts_change(by=by, maker=maker, shares=[], labels={}, reason="why", now_ms=0)


def _withhold(stage: Scene, by: Person) -> None:
    with pytest.raises(NotWithheldError):
        pay_withhold(by=by, epoch=stage.waiting, maker=stage.makers["aurora"], reason="why")


def _load(_: Scene, by: Person) -> None:
    with pytest.raises(SanctionsFileError):
        sanctions_load(by=by, content=b"", now_ms=0)


def _cancel_own(stage: Scene, by: Person) -> None:
    job = make_what_if(stage.program)
    if isinstance(by, User):
        WhatIfJob.objects.filter(pk=job.pk).update(asked_by=by)
        job.refresh_from_db()
    whatif_cancel(by=by, job=job, now=timezone.now())


def _draft(market: str = "AAPL-PERP") -> ActionDraft:
    return ActionDraft(kind="halt", subject=market, from_ms=1, to_ms=2, reason="a halt")


def _entered() -> int:
    """An action that somebody else has entered."""
    by, _ = User.objects.get_or_create(username="another operator", defaults={"role": User.Role.OPERATOR})
    return action_enter(by=by, draft=_draft()).pk


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


def _derive_again(_: Scene, by: Person) -> None:
    # It follows: whoever gets that far was allowed.
    with pytest.raises(RederivationRefusedError, match="not quarantined"):
        rederivation_ask(by=by, market_id=Market.objects.first().pk, reason="Looked.", now=timezone.now())


CALLS: dict[str, Callable[[Scene, Person], object]] = {
    "rewards.services.chain_alarms.chain_alarm_resolve": _resolve_alarm,
    "rewards.services.quarantine.rederivation_ask": _derive_again,
    "accounts.services.maker_enrol": lambda _, by: maker_enrol(by=by, slug="m", name="M", addresses=[], since_ms=0),
    "accounts.services.maker_payouts_set": _set_payouts,
    "accounts.enrolment.enrolment_ask": _ask,
    "accounts.enrolment.enrolment_refuse": _refuse_request,
    "rewards.services.makers.enrolment_accept": _accept_request,
    "rewards.services.makers.address_add": _add_address,
    "rewards.services.makers.address_remove": _remove_address,
    "rewards.services.makers.maker_leave": _leave,
    "rewards.services.payouts.payouts_change": _change_payouts,
    "rewards.services.sanctions.sanctions_load": _load,
    "rewards.services.withholding.pay_withhold": _withhold,
    "rewards.services.checks.check_waive": lambda s, by: check_waive(
        by=by, epoch=s.waiting, code="outliers", reason="why"
    ),
    "rewards.services.approval.approve_with_local_node": _approve,
    "rewards.services.safe_signatures.safe_signature_add": _sign_safe,
    **{f"rewards.services.notices.endpoints.{name}": call for name, call in WEBHOOK_CALLS.items()},
    "rewards.services.program_opening.program_open": _open,
    "rewards.services.terms_versions.terms_draft": lambda s, by: terms_draft(
        by=by, program=s.program, document=template(s.program), epoch_days=7
    ),
    "rewards.services.terms_versions.terms_change": _change,
    "rewards.services.terms_versions.terms_hand_in": _hand_in,
    "rewards.services.terms_versions.terms_accept": _accept,
    "rewards.services.terms_versions.terms_send_back": lambda s, by: terms_send_back(
        by=by, version=_terms(s, by, handed_in=True), comment="The boost is too high.", now=timezone.now()
    ),
    "rewards.services.terms_versions.terms_withdraw": _withdraw,
    "rewards.services.terms_versions.terms_comment": lambda s, by: terms_comment(
        by=by, version=_terms(s, by), text="Good."
    ),
    "rewards.services.review.epoch_put_forward": _reviewed(
        lambda s, by: epoch_put_forward(by=by, epoch=s.waiting, root=s.waiting.root)
    ),
    "rewards.services.review.epoch_send_back": _reviewed(
        lambda s, by: epoch_send_back(by=by, epoch=s.waiting, root=s.waiting.root, reason="A halt is missing.")
    ),
    "rewards.services.review.epoch_lift": _reviewed(
        lambda s, by: epoch_lift(by=by, epoch=s.waiting, root=s.waiting.root, reason="It is there.")
    ),
    "rewards.services.review.epoch_approve": _reviewed(lambda s, by: epoch_approve(by=by, epoch=s.waiting)),
    "rewards.services.review.flag_judge": _reviewed(
        lambda s, by: flag_judge(by=by, flag=_flag(s), verdict="harmless", why="Looked.")
    ),
    "rewards.services.review.epoch_comment": _reviewed(
        lambda s, by: epoch_comment(by=by, epoch=s.waiting, text="Looks right.")
    ),
    "rewards.services.whatif.whatif_ask": lambda s, by: make_what_if(s.program, by=by),
    "rewards.services.whatif.whatif_cancel": _cancel_own,
    "rewards.services.vaults.vault_name": _name_vault,
    "rewards.services.vaults.vault_read": _read_vault,
    "rewards.services.vaults.vault_end": lambda s, by: vault_end(by=by, maker=s.makers["aurora"], now_ms=0),
    "rewards.services.vaults.vault_drop": lambda s, by: vault_drop(
        by=by, maker=s.makers["aurora"], epoch=s.live, reason="it rebases"
    ),
    "rewards.services.actions.action_enter": lambda _, by: action_enter(by=by, draft=_draft()),
    "rewards.services.actions.action_confirm": lambda _, by: action_confirm(by=by, action_id=_entered()),
    "rewards.services.actions.action_withdraw": lambda _, by: action_withdraw(by=by, action_id=_entered(), why="no"),
    "rewards.services.action_import.actions_import": lambda _, by: actions_import(by=by, drafts=[]),
    "accounts.api_keys.api_key_make": lambda _, by: api_key_make(
        by=by, name="bot", scopes=["read:own"], days=1, now=timezone.now()
    ),
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
        Enrolment.objects.all().delete()
        User.objects.filter(username="somebody").delete()
    assert allowed == BY_ROLE[service]


@pytest.mark.parametrize("service", BY_ROLE)
def test_who_is_switched_off_may_do_nothing_any_more(stage, service):
    role = next(iter(BY_ROLE[service] & {"treasurer", OPERATOR, OWN_ADMIN} or BY_ROLE[service]))
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
