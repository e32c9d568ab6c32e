"""The tables of rewards: programmes and epochs, their results, checks, and claims."""

from rewards.models.actions import MarketAction
from rewards.models.checks import Alarm, CheckWaiver, EpochCheck
from rewards.models.claims import AutoCollect, ClaimRequest
from rewards.models.notices import Delivery, MailChoice, Notice, WebhookEndpoint
from rewards.models.programs import Epoch, EpochSession, Program
from rewards.models.quoting import QuoteCells, QuoteRun
from rewards.models.results import Allocation, Carry, Entitlement, LiveStanding, LiveState, Payment, Score, Stretch
from rewards.models.safe import SafeSignature, SafeTransaction

__all__ = [
    "Alarm",
    "Allocation",
    "AutoCollect",
    "Carry",
    "CheckWaiver",
    "ClaimRequest",
    "Delivery",
    "Entitlement",
    "Epoch",
    "EpochCheck",
    "EpochSession",
    "LiveStanding",
    "LiveState",
    "MailChoice",
    "MarketAction",
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
