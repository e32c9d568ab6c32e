"""What belongs in the audit log: the one list. A new model gets one line here, in TRACKED or in EXEMPT.

Belongs: whatever says who somebody is or what they may do, whose money goes where, by which terms, and who decided.
Does not: what is derived (and proven by an epoch's evidence), what mirrors the chain, and what changes with every
block; a write to those must not wait for anybody. tests/audit/test_tracked.py fails while a model stands in neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.db import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """How a model's rows are logged. hidden: columns whose change shows, but not their value (secrets).

    left_out: columns whose change says nothing to an auditor; a write that changes no other column is not logged.
    """

    hidden: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


TRACKED: Final[Mapping[str, Tracked]] = {
    # who is who
    "accounts.User": Tracked(hidden=("password",), left_out=("last_login",)),
    "accounts.User_groups": Tracked(),
    "accounts.User_user_permissions": Tracked(),
    "accounts.Wallet": Tracked(),
    "accounts.Maker": Tracked(),
    "accounts.Maker_members": Tracked(),
    "accounts.Maker_admins": Tracked(),
    "accounts.MakerAddress": Tracked(),
    "accounts.MakerChange": Tracked(),
    "accounts.PayoutPlan": Tracked(),
    "rewards.MakerVault": Tracked(),
    "rewards.EpochVault": Tracked(),
    "accounts.PayoutAccount": Tracked(),
    "accounts.RoleChange": Tracked(),
    "accounts.ApiKey": Tracked(hidden=("digest", "former_digest"), left_out=("last_used_at",)),
    "accounts.Enrolment": Tracked(),
    "accounts.QuotingProof": Tracked(),
    "accounts.SanctionsList": Tracked(),
    # by which terms
    "rewards.Program": Tracked(),
    "rewards.Epoch": Tracked(left_out=("retry_at", "terms_key")),
    "rewards.EpochSession": Tracked(),
    "rewards.TermsVersion": Tracked(),
    "rewards.MarketAction": Tracked(),
    "rewards.TermsComment": Tracked(),
    # where private figures are sent
    "rewards.WebhookEndpoint": Tracked(hidden=("secret", "former_secret")),
    # who decided, and on what
    "rewards.EpochCheck": Tracked(left_out=("checked_at",)),
    "rewards.CheckWaiver": Tracked(),
    "rewards.EpochVerdict": Tracked(),
    "rewards.EpochComment": Tracked(),
    "rewards.FlagVerdict": Tracked(),
    "rewards.Withholding": Tracked(),
    "rewards.Dispute": Tracked(),
    "rewards.DisputeMessage": Tracked(),
    "rewards.DisputeFile": Tracked(hidden=("content",)),
    "rewards.Correction": Tracked(),
    "rewards.EpochRevision": Tracked(hidden=("result",)),
    "rewards.SafeTransaction": Tracked(),
    "rewards.SafeSignature": Tracked(),
    "rewards.AutoCollect": Tracked(),
    "rewards.Alarm": Tracked(),
    "rewards.EvidenceHead": Tracked(),
    "rewards.ArchivedEvidence": Tracked(),
    # what is read from the chain, and what our keys sent there
    "onchain.Market": Tracked(left_out=("derived_through",)),
    "rewards.Rederivation": Tracked(),
    "onchain.WatchedContract": Tracked(left_out=("stored_through",)),
    "onchain.Alarm": Tracked(),
    "onchain.ArchivedPartition": Tracked(),
    "onchain.OutgoingTransaction": Tracked(),
}

_EVIDENCE = "Derived by scoring; the epoch's manifest hash, which is logged, covers it."
_DERIVED = "Derived, thrown away and made again at any time; no root depends on a row of it."
_CHAIN = "Mirrors what the chain says, and can be read there again."
_BLOCKS = "Changes with every block; derived from the chain and checked against it."
EXEMPT: Final[Mapping[str, str]] = {
    "accounts.SanctionedAddress": "The rows of a sanctions list, whose hash is logged.",
    "accounts.SignIn": "A log itself: one row a sign-in, shown to its person.",
    "accounts.SignInNonce": "Lives for ten minutes; nothing depends on it afterwards.",
    "accounts.TryCount": "Counts tries for five minutes.",
    "audit.AuditEntry": "The log itself.",
    "onchain.AdapterState": _BLOCKS,
    "onchain.BackfillRange": "Work that is left to do.",
    "onchain.Block": _BLOCKS,
    "onchain.ChainClaim": _CHAIN,
    "onchain.ChainDistributor": _CHAIN,
    "onchain.ChainEpoch": _CHAIN,
    "onchain.ChainRecipient": _CHAIN,
    "onchain.ChainSafe": _CHAIN,
    "onchain.Cursor": _BLOCKS,
    "onchain.DistributorEvent": _CHAIN,
    "onchain.HeadLease": "Who follows the head this second.",
    "onchain.MarketEvent": _BLOCKS,
    "onchain.ProviderHealth": "How nodes answer.",
    "onchain.RawLog": _BLOCKS,
    "onchain.TransactionAttempt": "The signed forms of an outgoing transaction, which is logged.",
    "rewards.Allocation": _EVIDENCE,
    "rewards.Carry": _EVIDENCE,
    "rewards.ClaimRequest": "Anybody may ask, and the contract pays only the account that is named.",
    "rewards.Delivery": "How each telling of a notice went.",
    "rewards.Entitlement": _EVIDENCE,
    "rewards.EpochStatistics": _DERIVED,
    "rewards.Flag": "Found by a program, and the same again from the same evidence; what people say of it is logged.",
    "rewards.HotKey": "What a key of ours held a minute ago; what it sent is logged.",
    "rewards.LastDone": "When a backup was last made.",
    "rewards.LiveStanding": _DERIVED,
    "rewards.LiveState": _DERIVED,
    "rewards.MailChoice": "Which mail a person wants.",
    "rewards.Notice": "Tells of what happened; what happened is logged where it did.",
    "rewards.Payment": _EVIDENCE,
    "rewards.QuoteCells": _DERIVED,
    "rewards.QuoteRun": _DERIVED,
    "rewards.SamplingLuck": _DERIVED,
    "rewards.Score": _EVIDENCE,
    "rewards.Stretch": _DERIVED,
    "rewards.ProcessSeen": "Which processes are up this minute.",
    "rewards.Tally": "Counts of requests and tasks.",
    "rewards.WhatIfJob": "A question about past epochs; its answer pays nobody and is thrown away after a while.",
    "rewards.WhatIfPart": "What such a question has found so far.",
    "rewards.WorkerSeen": "Which workers answer this minute.",
}


def tracked_models() -> dict[type[models.Model], Tracked]:
    """Return each tracked model with how it is logged."""
    return {apps.get_model(label): how for label, how in TRACKED.items()}


def tracked_tables() -> frozenset[str]:
    """Return the names of the tables that are logged."""
    return frozenset(model._meta.db_table for model in tracked_models())
