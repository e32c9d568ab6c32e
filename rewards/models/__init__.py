"""The tables of rewards: programmes and epochs, their results, checks, disputes and claims."""

from rewards.models.actions import MarketAction
from rewards.models.archive import ArchivedEvidence
from rewards.models.checks import Alarm, CheckWaiver, EpochCheck
from rewards.models.claims import AutoCollect, ClaimRequest
from rewards.models.disputes import Dispute, DisputeFile, DisputeMessage
from rewards.models.evidence import EvidenceHead
from rewards.models.flags import EpochStatistics, Flag, FlagVerdict
from rewards.models.luck import SamplingLuck
from rewards.models.notices import Delivery, MailChoice, Notice, WebhookEndpoint
from rewards.models.programs import Epoch, EpochSession, Program
from rewards.models.quoting import QuoteCells, QuoteRun
from rewards.models.results import Allocation, Carry, Entitlement, LiveStanding, LiveState, Payment, Score, Stretch
from rewards.models.review import EpochComment, EpochVerdict
from rewards.models.revisions import Correction, EpochRevision
from rewards.models.running import HotKey, Rederivation, WorkerSeen
from rewards.models.safe import SafeSignature, SafeTransaction
from rewards.models.tallies import LastDone, ProcessSeen, Tally
from rewards.models.terms import TermsComment, TermsVersion
from rewards.models.vaults import EpochVault, MakerVault
from rewards.models.whatif import WhatIfJob, WhatIfPart
from rewards.models.withholding import Withholding

__all__ = [
    "Alarm",
    "Allocation",
    "ArchivedEvidence",
    "AutoCollect",
    "Carry",
    "CheckWaiver",
    "ClaimRequest",
    "Correction",
    "Delivery",
    "Dispute",
    "DisputeFile",
    "DisputeMessage",
    "Entitlement",
    "Epoch",
    "EpochCheck",
    "EpochComment",
    "EpochRevision",
    "EpochSession",
    "EpochStatistics",
    "EpochVault",
    "EpochVerdict",
    "EvidenceHead",
    "Flag",
    "FlagVerdict",
    "HotKey",
    "LastDone",
    "LiveStanding",
    "LiveState",
    "MailChoice",
    "MakerVault",
    "MarketAction",
    "Notice",
    "Payment",
    "ProcessSeen",
    "Program",
    "QuoteCells",
    "QuoteRun",
    "Rederivation",
    "SafeSignature",
    "SafeTransaction",
    "SamplingLuck",
    "Score",
    "Stretch",
    "Tally",
    "TermsComment",
    "TermsVersion",
    "WebhookEndpoint",
    "WhatIfJob",
    "WhatIfPart",
    "Withholding",
    "WorkerSeen",
]
