"""The rooms of the treasury's desk: which address belongs to which, and where each kind of task is done."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from rewards.selectors.desk import Desk, DeskTask, desk
from rewards.views import access
from rewards.views.pages import page_now_ms

ROOMS = (
    ("inbox", "Inbox", "treasury"),
    ("epochs", "Epochs", "treasury-epochs"),
    ("programmes", "Programmes and terms", "treasury-programmes"),
    ("what-if", "What-if", "what-ifs"),
    ("spend", "Spend", "treasury-spend"),
    ("actions", "Market actions", "treasury-actions"),
    ("makers", "Makers", "enrolments"),
    ("disputes", "Disputes", "treasury-disputes"),
    ("health", "Health", "treasury-health"),
    ("audit", "Audit log", "audit"),
    ("roles", "Roles", "accounts:roles"),
)
"""Key, name, and the address's name; the last is for operators."""
_MORE = {
    "treasury-epoch": "epochs",
    "treasury-corrections": "epochs",
    "treasury-programme-new": "programmes",
    "treasury-programme": "programmes",
    "treasury-draft-new": "programmes",
    "treasury-draft-import": "programmes",
    "treasury-draft-edit": "programmes",
    "treasury-draft": "programmes",
    "what-if": "what-if",
    "market-actions": "actions",
    "enrolment": "makers",
    "dispute": "disputes",
    "treasury-webhooks": "",
}
ROOM_OF = {name: key for key, _, name in ROOMS} | _MORE
"""Every page of the desk: the address's name, and the room that is marked (none for those beside the rooms)."""
DONE_AT = {
    **dict.fromkeys(("stop", "lift", "flags", "put-forward", "sign", "approve"), "treasury-epoch"),
    **dict.fromkeys(("terms", "draft"), "treasury-draft"),
    "dispute": "dispute",
    "correction": "treasury-corrections",
    "action": "treasury-actions",
    "enrolment": "enrolment",
}
"""Where each kind of task is done; its `args` are the address's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A link of the desk's navigation; count: what waits there for this person."""

    name: str
    url: str
    is_here: bool
    count: int


def desk_of(request: HttpRequest) -> Desk:
    """Return this person's desk, read once a request."""
    found: Desk | None = getattr(request, "_desk", None)
    if found is None:
        found = desk(person=request.user, now_ms=page_now_ms())
        request._desk = found  # type: ignore[attr-defined]
    return found


def rooms(request: HttpRequest) -> list[Room]:
    """Return the navigation of the desk; nothing beside its pages, or for who doesn't see them."""
    match = request.resolver_match
    if match is None or match.view_name not in ROOM_OF or not access.sees_treasury(user=request.user):
        return []
    tasks = desk_of(request)
    here, counts = ROOM_OF[match.view_name], tasks.counts | {"inbox": len(tasks.tasks)}
    return [
        Room(name=label, url=reverse(name), is_here=key == here, count=counts.get(key, 0))
        for key, label, name in ROOMS
        if key != "roles" or access.gives_roles(user=request.user)
    ]


def task_url(task: DeskTask) -> str:
    """Return where a task is done."""
    return reverse(DONE_AT[task.kind], args=task.args)
