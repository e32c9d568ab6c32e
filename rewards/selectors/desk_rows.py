"""Everything that a desk is made of, in one query: each of its lists is an array that the database puts together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts.models import Enrolment, User, Wallet
from onchain.models_tx import ChainSafe
from rewards.models import (
    Correction,
    Dispute,
    Epoch,
    EpochStatistics,
    EpochVerdict,
    Flag,
    FlagVerdict,
    MarketAction,
    SafeSignature,
    SafeTransaction,
    TermsVersion,
)

STATE = Epoch.State
Row = Mapping[str, Any]
"""A row by the names of its columns, those of other tables as Django spells them: `epoch__number`."""
ON_DESK = (STATE.PROPOSED, STATE.SCORED, STATE.APPROVED, STATE.VETOED)
_EPOCH = (
    *("pk", "number", "start_ms", "end_ms", "state", "budget", "paid_total", "unspent", "carried_in_total"),
    *("carried_out_total", "root", "parent_root", "manifest_hash", "digest", "chain_epoch", "activatable_at_s"),
    *("evidence_name", "note", "program_id"),
    *("program__slug", "program__name", "program__token_symbol", "program__token_decimals", "program__chain_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRows:
    """What the desk's sentences are made of. epochs, verdicts, transactions, signatures, flags, facts: of the epochs
    ON_DESK; undecided: of all whose review may not be over; the other lists are what their tables have open.

    flags: of the present evidence, each with its newest verdict and who gave it. facts: epochs whose facts are there.
    """

    epochs: list[Row]
    verdicts: list[Row]
    safes: list[Row]
    transactions: list[Row]
    signatures: list[Row]
    flags: list[Row]
    facts: list[Row]
    undecided: list[Row]
    disputes: list[Row]
    corrections: list[Row]
    versions: list[Row]
    live: list[Row]
    actions: list[Row]
    enrolments: list[Row]
    wallets: list[Row]


def desk_rows(*, person: User, now_ms: int) -> DeskRows:
    """Return the rows that a person's desk is made of at a time of the chain's clock, in one query."""
    wallets = _list(Wallet.objects.filter(owner=person).order_by("pk"), "address")
    lists = {**_of_epochs(), **_open(now_ms), "wallets": wallets}
    # A person has relations of some of these names.
    people = User.objects.filter(pk=person.pk)
    row: Row = people.values(**{f"desk_{name}": each for name, each in lists.items()}).get()
    return DeskRows(**{name: row[f"desk_{name}"] for name in lists})


def _of_epochs() -> dict[str, ArraySubquery]:
    newest = FlagVerdict.objects.filter(flag=OuterRef("pk")).order_by("-id")
    present = {"epoch__state__in": ON_DESK, "manifest_hash": F("epoch__manifest_hash")}
    sent = SafeTransaction.objects.filter(epoch__state__in=ON_DESK).exclude(state=SafeTransaction.State.REPLACED)
    return {
        "epochs": _list(Epoch.objects.filter(state__in=ON_DESK).order_by("program_id", "number"), *_EPOCH),
        "verdicts": _list(
            EpochVerdict.objects.filter(epoch__state__in=ON_DESK).order_by("epoch_id", "id"),
            *("epoch_id", "root", "manifest_hash", "kind", "reason", "at", "person_id"),
            *("person__username", "person__first_name", "person__last_name"),
        ),
        "safes": _list(ChainSafe.objects.order_by("pk"), "chain_id", "address", "owners", "threshold"),
        "transactions": _list(sent.order_by("id"), "pk", "epoch_id", "digest", "safe"),
        "signatures": _list(SafeSignature.objects.filter(transaction__in=sent), "transaction_id", "owner"),
        "flags": _list(
            Flag.objects.filter(**present)
            .annotate(
                verdict=Subquery(newest.values("verdict")[:1]), by=Subquery(newest.values("person__username")[:1])
            )
            .order_by("pk"),
            *("epoch_id", "level", "verdict", "by"),
        ),
        "facts": _list(EpochStatistics.objects.filter(**present).exclude(document=None), "epoch_id"),
    }


def _open(now_ms: int) -> dict[str, ArraySubquery]:
    undecided = Epoch.objects.exclude(state__in=[STATE.ACTIVE, STATE.APPROVED])
    live = Epoch.objects.filter(end_ms__gt=now_ms, state=STATE.LIVE)
    corrections = Correction.objects.filter(state__in=[Correction.State.ENTERED, Correction.State.CONFIRMED])
    versions = TermsVersion.objects.filter(state__in=[TermsVersion.State.IN_REVIEW, TermsVersion.State.DRAFT])
    actions = MarketAction.objects.filter(confirmed_at=None, withdrawn_at=None)
    return {
        "undecided": _list(undecided.order_by("program_id", "number"), "pk", "program_id", "review_until_ms"),
        "disputes": _list(
            Dispute.objects.filter(state=Dispute.State.OPEN).order_by("pk"),
            *("pk", "epoch_id", "kind", "market", "maker__name"),
            *("epoch__number", "epoch__review_until_ms", "epoch__program__name"),
        ),
        "corrections": _list(
            corrections.order_by("pk"),
            *("state", "epoch_id", "reason", "entered_by_id", "entered_by__username"),
            *("epoch__number", "epoch__program__slug"),
        ),
        "versions": _list(
            versions.order_by("program", "number"),
            *("number", "state", "author_id", "author__username", "program_id", "program__name", "program__slug"),
        ),
        "live": _list(live.order_by("end_ms"), "program_id", "end_ms"),
        "actions": _list(
            actions.order_by("from_ms", "id"),
            *("kind", "subject", "reason", "entered_by_id", "entered_by__username"),
        ),
        "enrolments": _list(
            Enrolment.objects.filter(state=Enrolment.State.OPEN).order_by("pk"),
            *("pk", "name", "asked_by_id", "asked_by__username"),
        ),
    }


def _list(rows: QuerySet[Any], *names: str) -> ArraySubquery:
    return ArraySubquery(rows.values(row=JSONObject(**{name: name for name in names})))
