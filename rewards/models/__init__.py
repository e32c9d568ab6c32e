"""The tables of rewards: programmes and epochs, their results, and claims."""

from rewards.models.claims import ClaimRequest
from rewards.models.programs import Epoch, EpochSession, Program
from rewards.models.results import Allocation, Carry, Entitlement, LiveStanding, Score

__all__ = [
    "Allocation",
    "Carry",
    "ClaimRequest",
    "Entitlement",
    "Epoch",
    "EpochSession",
    "LiveStanding",
    "Program",
    "Score",
]
