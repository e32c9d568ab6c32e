"""A halt that was confirmed after scoring: two people have the epoch scored again with it, and everybody sees it."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client

from rewards.errors import ActionRefusedError, CorrectionRefusedError
from rewards.models import Allocation, Correction, Epoch, EpochRevision, MarketAction
from rewards.selectors.actions import actions_to_correct, epochs_behind, late_actions
from rewards.selectors.revisions import revision_steps
from rewards.services.actions import ActionDraft, action_confirm, action_enter, action_withdraw
from rewards.services.corrections import correction_confirm, correction_enter
from tests.rewards.conftest import house, one_process
from tests.rewards.correcting import person, two_hours
from tests.rewards.test_publishing import poke
from tests.rewards.test_rescoring import pokes, verify
from tests.rewards.test_scoring import HOUR_S, START_S

__all__ = ["house", "one_process"]
pytestmark = pytest.mark.django_db
QUARTER_S = HOUR_S // 4
# By hand, in test_scoring and test_market_actions_on_chain: without the halt, and with it from 15 to 45 minutes.
WITHOUT, WITH = {"alice": 833_333, "bob": 166_666}, {"alice": 750_000, "bob": 249_999}


@pytest.fixture
def scored(house, one_process, settings) -> Epoch:
    settings.REVIEW_HOURS = 48
    epoch = two_hours(house)
    pokes(house)
    return read(epoch)


def read(epoch: Epoch) -> Epoch:
    epoch.refresh_from_db()
    return epoch


def pay() -> dict[str, int]:
    return dict(Allocation.objects.values_list("maker", "payout"))


def halt() -> MarketAction:
    """Two people enter and confirm the halt."""
    draft = ActionDraft(
        kind="halt", subject="AAPL-PERP", from_ms=(START_S + QUARTER_S) * 1000 + 7,
        to_ms=(START_S + 3 * QUARTER_S) * 1000 + 7, reason="The exchange's feed broke.",
    )  # fmt: skip
    return action_confirm(by=person("treasurer"), action_id=action_enter(by=person("operator"), draft=draft).pk)


def enter(epoch: Epoch, action: MarketAction, role: str = "operator") -> Correction:
    return correction_enter(
        by=person(role), epoch=epoch, kind="action", given={"action": str(action.pk)}, reason="It was forgotten."
    )


def corrected(house, epoch: Epoch, action: MarketAction) -> Correction:
    correction = correction_confirm(by=person("reviewer"), correction=enter(epoch, action))
    pokes(house)
    correction.refresh_from_db()
    return correction


def test_a_halt_that_came_after_scoring_is_in_the_result_once_two_people_have_corrected_it(house, scored):
    old = (scored.root, scored.manifest_hash, scored.evidence_name)
    assert pay() == WITHOUT
    action = halt()
    assert [row.action for row in late_actions(epoch=scored)] == [action]
    assert epochs_behind(program=house.program) == {action.pk: [1]}

    entered = enter(scored, action)
    assert actions_to_correct(epoch=scored) == []
    with pytest.raises(CorrectionRefusedError, match="a second person has to confirm it"):
        correction_confirm(by=person("operator"), correction=entered)
    poke(house)
    assert pay() == WITHOUT

    correction_confirm(by=person("reviewer"), correction=entered)
    with pytest.raises(ActionRefusedError, match="an epoch is being scored again because of it"):
        action_withdraw(by=person("treasurer"), action_id=action.pk, why="I changed my mind.")
    pokes(house)
    assert pay() == WITH
    assert late_actions(epoch=read(scored)) == []
    revision = EpochRevision.objects.get()
    assert (revision.root, revision.manifest_hash, revision.evidence_name) == old
    assert scored.manifest_hash != old[1]
    assert [verify(name) for name in (old[2], scored.evidence_name)] == [old[0], scored.root]
    # START_S is 14:00 UTC.
    assert revision.because == (
        "The halt of AAPL-PERP, from 2026-11-18 14:15:00 to 2026-11-18 14:45:00 UTC, counts: it was confirmed after "
        "the epoch had been scored. It was forgotten."
    )
    rows = (Path(django_settings.EVIDENCE_DIR) / scored.evidence_name / "actions.csv").read_text().splitlines()
    assert rows[1:] == [
        f"AAPL-PERP,halt,{action.from_ms},{action.to_ms},,,operator operator,treasurer treasurer,"
        "The exchange's feed broke.,"
    ]
    page = " ".join(Client().get("/programmes/perps/epochs/1/results/").content.decode().split())
    assert revision.because.partition(". ")[0] in page
    changes = {row.what[0]: (row.before, row.after) for row in revision_steps(epoch=scored)[0].makers}
    assert changes == {name: (WITHOUT[name], WITH[name]) for name in WITH}


def test_what_is_withdrawn_after_scoring_is_taken_out_by_a_correction_as_well(house, scored):
    first_root = scored.root
    corrected(house, scored, action := halt())
    assert pay() == WITH
    action_withdraw(by=person("treasurer"), action_id=action.pk, why="It was another market.")
    late = late_actions(epoch=read(scored))
    assert [(row.action, row.in_result) for row in late] == [(action, True)]
    assert corrected(house, scored, action).state == Correction.State.APPLIED
    assert pay() == WITHOUT
    # The same amounts as at first, so the same tree; and still a result of its own.
    assert read(scored).root == first_root
    assert scored.manifest_hash not in EpochRevision.objects.values_list("manifest_hash", flat=True)


def test_only_what_the_result_is_behind_can_be_corrected_and_only_while_it_stands(house, scored):
    with pytest.raises(CorrectionRefusedError, match="was confirmed or withdrawn after the epoch was scored"):
        correction_enter(by=person("operator"), epoch=scored, kind="action", given={"action": "77"}, reason="Why not.")
    entered = enter(scored, action := halt())
    with pytest.raises(CorrectionRefusedError, match="exactly this has been entered already"):
        enter(scored, action, role="reviewer")
    action_withdraw(by=person("treasurer"), action_id=action.pk, why="It was another market.")
    with pytest.raises(CorrectionRefusedError):
        correction_confirm(by=person("reviewer"), correction=entered)
    pokes(house)
    assert pay() == WITHOUT
