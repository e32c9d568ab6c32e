"""People who look at an epoch in tests: Ann reviews and puts forward, so that a treasurer can approve."""

from accounts.models import User
from rewards.models import Epoch, EpochVerdict, Flag
from rewards.selectors.review import flag_rows, review_state
from rewards.services.review import epoch_put_forward, flag_judge


def somebody(role: str, username: str = "") -> User:
    """A stored person with a role, the same each time."""
    return User.objects.get_or_create(username=username or f"the {role}", defaults={"role": role})[0]


def ann() -> User:
    """The reviewer."""
    user = somebody("reviewer", "ann")
    user.first_name = "Ann"
    user.save()
    return user


def put_forward(epoch: Epoch) -> EpochVerdict | None:
    """Judge the serious flags and put the epoch forward, unless that has been done."""
    epoch.refresh_from_db()
    if review_state(epoch=epoch).put_forward is not None:
        return None
    for row in flag_rows(epoch=epoch):
        if row.is_open:
            flag_judge(by=ann(), flag=Flag.objects.get(pk=row.id), verdict="harmless", why="Looked at the fills.")
    return epoch_put_forward(by=ann(), epoch=epoch, root=epoch.root)
