"""When money that is still on its way can be collected at the earliest; pure, so that every rule has an example."""

from rewards.models import Epoch

STATE = Epoch.State


def expected_at_ms(
    *,
    state: str,
    end_ms: int,
    review_until_ms: int | None,
    activatable_at_s: int | None,
    review_ms: int,
    delay_s: int,
    now_ms: int,
) -> int | None:
    """Return the time (ms UTC) from which an epoch's money can be collected if nothing holds it up; None: unknown.

    A live epoch ends, can be disputed for `review_ms`, is approved, and waits for the contract's `delay_s`. Once the
    treasury has approved, the chain itself gives the time. What should have happened already is expected now.
    """
    if activatable_at_s is not None and state == STATE.APPROVED:
        return activatable_at_s * 1000
    delay_ms = delay_s * 1000
    if state == STATE.LIVE:
        return max(end_ms, now_ms) + review_ms + delay_ms
    if state in (STATE.SCORED, STATE.PROPOSED):
        return max(now_ms, review_until_ms or 0) + delay_ms
    return None
