"""The demo's second pair of eyes: judges an epoch's serious flags and puts it forward, as a person does on the page."""

from rewards.demo.programme import stand_in_reviewer
from rewards.models import Epoch, EpochStatistics, Flag, FlagVerdict
from rewards.selectors.review import flag_rows, review_state
from rewards.services.review import epoch_put_forward, flag_judge

WHY = "The demo’s reviewer has looked: these made-up makers do what their description says."


def is_put_forward(epoch: Epoch) -> bool:
    """Whether somebody has put the epoch forward."""
    return review_state(epoch=epoch).put_forward is not None


def put_forward(epoch: Epoch) -> int | None:
    """Put a proposed epoch forward once its flags are worked out; returns how many had to be judged, None: not yet."""
    if is_put_forward(epoch):
        return 0
    facts = EpochStatistics.objects.filter(epoch=epoch, manifest_hash=epoch.manifest_hash).exclude(document=None)
    if epoch.state != Epoch.State.PROPOSED or not facts.exists():
        return None
    reviewer = stand_in_reviewer()
    waiting = [flag for flag in flag_rows(epoch=epoch) if flag.is_open]
    for row in waiting:
        flag_judge(by=reviewer, flag=Flag.objects.get(pk=row.id), verdict=FlagVerdict.Verdict.WATCH, why=WHY)
    epoch_put_forward(by=reviewer, epoch=epoch, root=epoch.root)
    return len(waiting)
