"""The tables of rewards: programmes and epochs, their results, checks, disputes and claims."""

from rewards.models.checks import Alarm, CheckWaiver, EpochCheck
from rewards.models.claims import AutoCollect, ClaimRequest
from rewards.models.disputes import Dispute, DisputeFile, DisputeMessage
from rewards.models.notices import Delivery, MailChoice, Notice, WebhookEndpoint
from rewards.models.programs import Epoch, EpochSession, Program
from rewards.models.quoting import QuoteCells, QuoteRun
from rewards.models.results import Allocation, Carry, Entitlement, LiveStanding, LiveState, Payment, Score, Stretch
from rewards.models.revisions import Correction, EpochRevision
from rewards.models.safe import SafeSignature, SafeTransaction

__all__ = [
    "Alarm",
    "Allocation",
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
    "EpochRevision",
    "EpochSession",
    "LiveStanding",
    "LiveState",
    "MailChoice",
    "Notice",
    "Payment",
    "Program",
    "QuoteCells",
    "QuoteRun",
    "SafeSignature",
    "SafeTransaction",
    "Score",
    "Stretch",
    "WebhookEndpoint",
]
