"""What every page shows around its content: the chain's clock, who may go where, and whether this is a demo."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from rewards.selectors.clock import chain_now_ms
from rewards.views import access


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The frame of a page; `block_time_ms` is None before the first block has been read."""

    block_time_ms: int | None
    demo: bool
    sees_treasury: bool
    sees_scorecards: bool
    scorecards_label: str
    gives_roles: bool
    local_mail: bool


def surroundings(request: HttpRequest) -> dict[str, Surroundings]:
    """Give every template `surroundings`."""
    user = request.user
    sees_all = access.sees_all_makers(user=user)
    return {
        "surroundings": Surroundings(
            block_time_ms=chain_now_ms(),
            demo=getattr(settings, "DEMO", False),
            sees_treasury=access.sees_treasury(user=user),
            sees_scorecards=sees_all or access.is_maker_member(user=user),
            scorecards_label="Makers" if sees_all else "My scorecard",
            gives_roles=access.gives_roles(user=user),
            local_mail=settings.LOCAL_MAIL_DIR is not None,
        )
    }
