"""The tables of rewards: programmes and epochs, their results, checks, and claims."""

from rewards.models.checks import Alarm, EpochCheck
from rewards.models.claims import ClaimRequest
from rewards.models.programs import Epoch, EpochSession, Program
from rewards.models.results import Allocation, Carry, Entitlement, LiveStanding, LiveState, Payment, Score, Stretch

__all__ = [
    "Alarm",
    "Allocation",
    "Carry",
    "ClaimRequest",
    "Entitlement",
    "Epoch",
    "EpochCheck",
    "EpochSession",
    "LiveStanding",
    "LiveState",
    "Payment",
    "Program",
    "Score",
    "Stretch",
]
