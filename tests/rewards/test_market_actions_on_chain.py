"""A halt that people entered on a real chain: the pay by hand, the evidence, and the chain read again beside it."""

import pytest

from accounts.models import User
from onchain.indexer import node
from rewards.engine.verify import verify_bundle
from rewards.models import Allocation
from rewards.services.actions import ActionDraft, action_confirm, action_enter
from rewards.services.programs import epoch_schedule, epochs_begin
from rewards.services.recompute import recompute
from rewards.services.scoring import epoch_score
from tests.engine.published import restore_hashes
from tests.rewards.test_scoring import HOUR_S, START_S, index, program, terms_of, two_hours_of_quotes

__all__ = ["program"]
pytestmark = pytest.mark.django_db
QUARTER_S = HOUR_S // 4


def test_a_halt_of_people_is_paid_by_hand_and_found_beside_the_chains_own_events(program, exchange, settings):
    """Alice quotes for two hours, half of the first one before the open; Bob as much for the second one.

    Between 15 and 45 minutes the market stands still. In quarters of an hour, boosted: before the open 1 x 300, after
    it 1 x 100 for Alice alone and 4 x 100 for both, so E = 800; Alice 300 + 100 + 200 = 600, Bob 200.
    """
    epoch = epoch_schedule(program=program, terms=terms_of(number=1, start_s=START_S, end_s=START_S + 2 * HOUR_S))
    two_hours_of_quotes(exchange)
    index()
    epochs_begin(now_ms=START_S * 1000)
    # Whoever has come by e-mail is called by that address, which nobody publishes for good.
    operator = User.objects.create_user(username="opal@desk.example", role=User.Role.OPERATOR)
    treasurer = User.objects.create_user(username="tess", role=User.Role.TREASURER)
    draft = ActionDraft(
        kind="halt", subject="AAPL-PERP", from_ms=(START_S + QUARTER_S) * 1000 + 7,
        to_ms=(START_S + 3 * QUARTER_S) * 1000 + 7, reason="the exchange's feed broke, and nobody could quote",
    )  # fmt: skip
    action_confirm(by=treasurer, action_id=action_enter(by=operator, draft=draft).pk)
    epoch = epoch_score(epoch_id=epoch.pk)
    # The halt is 7 ms late, so 7 ms more count before the open and 7 ms less after it: Alice has 300 x 900,007 + 100 x
    # 899,993 + 50 x 3,600,000 = 540,001,400 of 720,001,400.
    assert dict(Allocation.objects.values_list("maker", "payout")) == {"alice": 750_000, "bob": 249_999}
    bundle = settings.EVIDENCE_DIR / epoch.evidence_name
    assert (bundle / "actions.csv").read_text().splitlines()[1] == (
        f"AAPL-PERP,halt,{draft.from_ms},{draft.to_ms},,,operator number {operator.pk},treasurer tess,"
        '"the exchange\'s feed broke, and nobody could quote",'
    )
    client = node()
    try:
        found = recompute(client, bundle=bundle)
        assert (found.ok, found.difference, found.report.root) == (True, None, epoch.root)
        # Who publishes a halt that nobody entered is found out by the chain.
        lines = (bundle / "actions.csv").read_text().splitlines()
        (bundle / "actions.csv").write_text(f"{lines[0]}\n")
        restore_hashes(bundle)
        found = recompute(client, bundle=bundle)
        assert found.report.ok
        assert found.difference is not None
        assert found.difference.file == "events.parquet"
    finally:
        client.close()
    (bundle / "actions.csv").write_text("\n".join(lines).replace(str(draft.to_ms), str(draft.to_ms + 1)) + "\n")
    restore_hashes(bundle)
    assert str(verify_bundle(bundle).difference) == (
        f"actions.csv, the halt of AAPL-PERP: published {draft.from_ms} to {draft.to_ms + 1} ms, computed live from "
        f"{draft.to_ms} to {draft.to_ms + 1} ms in events.parquet."
    )
