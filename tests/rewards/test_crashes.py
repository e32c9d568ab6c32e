"""A process that dies at any step of publishing or collecting: the next run finishes, and nothing is sent twice."""

import pytest

from onchain.models import OutgoingTransaction
from rewards import tasks
from rewards.models import Epoch
from rewards.services.claims import claim_request
from rewards.services.programs import epoch_schedule
from tests.rewards.conftest import ALICE, BOB_PAY, DELAY_S, house, one_process
from tests.rewards.test_publishing import END_S, approve, poke
from tests.rewards.test_scoring import START_S, quote, terms_of

__all__ = ["house", "one_process"]
pytestmark = pytest.mark.django_db
STEPS = (
    "review.before_commit",
    "scoring.after_evidence", "scoring.before_commit", "scoring.stored",
    "transactions.signed", "publishing.signed", "transactions.sent", "publishing.activate_signed", "relay.signed",
)  # fmt: skip


class DeadError(BaseException):
    """What a killed process raises: nothing that any code of ours may catch."""


@pytest.fixture
def deaths(monkeypatch):
    """Let the process die at the first and the second time that it comes to each step."""
    left = {step: {1, 2} for step in STEPS}
    passed: dict[str, int] = {}

    def hit(name: str) -> None:
        passed[name] = passed.get(name, 0) + 1
        if passed[name] in left.get(name, set()):
            left[name].discard(passed[name])
            raise DeadError(name)

    monkeypatch.setattr("config.failpoints.hit", hit)
    return left


def survive(house) -> None:
    """Beat, with whatever dies of it; the next beat comes."""
    for step in (tasks.watch_distributor, tasks.advance_epochs, tasks.review_epochs, tasks.relay_claims):
        house.index()
        try:
            step()
        except DeadError:
            continue
    house.anvil.mine()


def test_dying_twice_at_every_step_from_score_to_claim_pays_everybody_once(house, one_process, deaths):
    epoch = epoch_schedule(
        program=house.program, terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    )
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    quote(house.exchange, "0x" + "b" * 40, 11)
    house.exchange.submit(time_s=START_S + 3_600)
    house.anvil.mine(time_s=END_S, blocks=5)

    def until(state: Epoch.State) -> None:
        for _ in range(40):
            epoch.refresh_from_db()
            if epoch.state == state:
                return
            survive(house)
        raise AssertionError(f"still {epoch.state}: {epoch.note}")

    until(Epoch.State.PROPOSED)
    for _ in range(4):
        survive(house)
    approve(house, epoch)
    house.anvil.mine()
    until(Epoch.State.APPROVED)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    until(Epoch.State.ACTIVE)
    claim_request(program=house.program, account=BOB_PAY)
    for _ in range(12):
        survive(house)
    poke(house)
    assert house.balance(BOB_PAY) == 166_666
    sent = list(OutgoingTransaction.objects.values_list("purpose", flat=True))
    assert sorted(purpose.split()[0] for purpose in sent) == ["activate", "collect", "propose"]
    assert {step: passes for step, passes in deaths.items() if passes >= {1}} == {}
