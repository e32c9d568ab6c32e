"""Alarms about who may do what on the distributor: roles, pauses and its end, as the chain's events tell them."""

from onchain.errors import OnchainError
from onchain.models_tx import ChainDistributor, ChainEpoch, DistributorEvent
from onchain.selectors import head
from onchain.transactions import sender_of
from rewards.models import Epoch, Program
from rewards.selectors.review import review_states
from rewards.services.alarms import alarms_set
from rewards.services.checks import approval_is_safe

SHOWN_MS = 7 * 86_400_000
"""A change of roles is shown for a week by the chain's clock: long enough for whoever comes by on Mondays only."""


def roles_watch(*, program: Program, distributor: ChainDistributor) -> None:
    """Raise and clear the alarms about roles; doing it twice changes nothing."""
    alarms_set(program=program, code="paused", messages=_paused(distributor))
    alarms_set(program=program, code="wind_down", messages=_wind_down(distributor))
    alarms_set(program=program, code="treasury_offered", messages=_offered(distributor))
    alarms_set(program=program, code="role_change", messages=_changes(distributor))
    alarms_set(program=program, code="wrong_proposer", messages=_proposer(program, distributor))
    alarms_set(program=program, code="unchecked_approval", messages=_unchecked(program, distributor))
    alarms_set(program=program, code="unreviewed_approval", messages=_unreviewed(program, distributor))


def _paused(distributor: ChainDistributor) -> dict[str, str]:
    if not distributor.paused:
        return {}
    event = distributor.events.filter(name="Paused").last()
    by = f" by {event.args['by']} in block {event.block_number}" if event else ""
    return {"paused": f"The distributor was paused{by}: nothing is collected or approved until the treasury unpauses."}


def _wind_down(distributor: ChainDistributor) -> dict[str, str]:
    if not distributor.wind_down_at_s:
        return {}
    return {
        "wind_down": "The treasury has announced the programme's end: nothing new is proposed, and what is not "
        f"collected by Unix second {distributor.wind_down_at_s} may go back to it."
    }


def _offered(distributor: ChainDistributor) -> dict[str, str]:
    if not distributor.next_treasury:
        return {}
    return {"offer": f"The treasury's role is offered to {distributor.next_treasury}, who has not accepted it yet."}


def _changes(distributor: ChainDistributor) -> dict[str, str]:
    events = list(distributor.events.filter(name="RolesChanged"))
    newest = head()
    since_ms = (newest.time_ms if newest else 0) - SHOWN_MS
    # The first names those who began.
    return {f"block {event.block_number}": _change(event) for event in events[1:] if event.time_ms >= since_ms}


def _change(event: DistributorEvent) -> str:
    args = event.args
    return (
        f"Roles changed in block {event.block_number}: treasury {args['treasury']}, proposer {args['proposer']}, "
        f"guardian {args['guardian']}, attestors {', '.join(args['attestors']) or 'none'}, quorum {args['quorum']}. "
        "If nobody of yours did this, have the guardian pause."
    )


def _proposer(program: Program, distributor: ChainDistributor) -> dict[str, str]:
    try:
        sender = sender_of("PROPOSER", chain_id=program.chain_id)
    except OnchainError as error:
        return {"proposer": str(error)}
    if sender is None or not distributor.proposer or sender.address == distributor.proposer:
        return {}
    return {"proposer": f"Our key {sender.address} may not propose: the contract's proposer is {distributor.proposer}."}


def _unchecked(program: Program, distributor: ChainDistributor) -> dict[str, str]:
    rows = ChainEpoch.objects.filter(distributor=distributor, state=ChainEpoch.State.APPROVED)
    digests = dict(rows.values_list("digest", "number"))
    found = Epoch.objects.filter(program=program, digest__in=list(digests))
    return {
        f"epoch {digests[epoch.digest]}": (
            f"Epoch {epoch.number} was approved on the chain though its checks have not all passed here. The guardian "
            "can veto it until its delay is over."
        )
        for epoch in found
        if not approval_is_safe(epoch=epoch)
    }


def _unreviewed(program: Program, distributor: ChainDistributor) -> dict[str, str]:
    """Approvals that the chain has and nobody here has put forward: for as long as they wait, and a week longer."""
    newest = head()
    events = distributor.events.filter(name="EpochApproved", time_ms__gte=(newest.time_ms if newest else 0) - SHOWN_MS)
    waiting = ChainEpoch.objects.filter(distributor=distributor, state=ChainEpoch.State.APPROVED)
    numbers = {*events.values_list("epoch", flat=True), *waiting.values_list("number", flat=True)}
    found = program.epochs.filter(
        chain_epoch__in=numbers, state__in=(Epoch.State.APPROVED, Epoch.State.ACTIVE)
    )  # what was vetoed since has its answer
    states = review_states(epochs=found)
    return {
        f"epoch {epoch.chain_epoch}": (
            f"Epoch {epoch.number} was approved on the chain without having been put forward here. Find out who "
            "approved it, and why; the guardian can veto it until its delay is over."
        )
        for epoch in found
        if states[epoch.pk].put_forward is None
    }
