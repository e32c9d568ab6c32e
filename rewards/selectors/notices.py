"""What people see of notices, and who is told of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Maker, User, Wallet
from accounts.roles import APART_FROM_MAKERS
from rewards.models import Delivery, MailChoice, Notice, WebhookEndpoint

Kind = Notice.Kind
ROLE = User.Role
FOR_PROVIDERS = (Kind.PAID, Kind.CLAIM_COLLECTED)
FOR_MAKERS = (
    *(Kind.EPOCH_SCORED, Kind.REVIEW_OPEN, Kind.ROOT_ACTIVE, Kind.PAID, Kind.UPTIME_LOW, Kind.MARKET_QUARANTINED),
    *(Kind.EPOCH_RESCORED, Kind.DISPUTE_OPENED, Kind.DISPUTE_ANSWERED, Kind.DISPUTE_CLOSED),
    *(Kind.CLAIM_COLLECTED, Kind.WEBHOOK_OFF),
)
FOR_TREASURY = (
    *(Kind.EPOCH_SCORED, Kind.REVIEW_OPEN, Kind.APPROVAL_NEEDED, Kind.ROOT_ACTIVE, Kind.MARKET_QUARANTINED),
    *(Kind.TERMS_WAITING, Kind.EPOCH_RESCORED, Kind.DISPUTE_OPENED, Kind.DISPUTE_ANSWERED, Kind.DISPUTE_CLOSED),
    *(Kind.CORRECTION_WAITING, Kind.WEBHOOK_OFF),
)
WARNINGS = (Kind.PAY_CHANGED, Kind.PEOPLE_CHANGED)
"""To a maker's people (services/notices/warning.py). Who has taken over an account must not be able to end them."""
_ALL_WHO_CORRECT = (ROLE.TREASURER, ROLE.REVIEWER, ROLE.OPERATOR)
TREASURY_ROLES = {
    # Who is written to when a notice is the treasury's; the others of its roles find it on their page.
    Kind.TERMS_WAITING: (ROLE.TREASURER, ROLE.REVIEWER),
    Kind.EPOCH_SCORED: (ROLE.TREASURER, ROLE.REVIEWER),
    Kind.EPOCH_RESCORED: (ROLE.TREASURER, ROLE.REVIEWER),
    Kind.DISPUTE_OPENED: _ALL_WHO_CORRECT,
    Kind.DISPUTE_ANSWERED: _ALL_WHO_CORRECT,
    Kind.DISPUTE_CLOSED: _ALL_WHO_CORRECT,
    Kind.CORRECTION_WAITING: _ALL_WHO_CORRECT,
    Kind.REVIEW_OPEN: (ROLE.TREASURER, ROLE.REVIEWER, ROLE.GUARDIAN),
    Kind.APPROVAL_NEEDED: (ROLE.TREASURER,),
    Kind.ROOT_ACTIVE: (ROLE.TREASURER, ROLE.REVIEWER),
    Kind.MARKET_QUARANTINED: (ROLE.OPERATOR, ROLE.TREASURER),
    Kind.WEBHOOK_OFF: (ROLE.OPERATOR, ROLE.TREASURER),
}
ROWS = 100


@dataclass(frozen=True, slots=True)
class MailRow:
    """A kind of notice that a person may have mailed, and whether they do."""

    kind: str
    label: str
    wanted: bool


def owned_accounts() -> QuerySet[Wallet, str]:
    """Return every account whose owner has proven it to us."""
    return Wallet.objects.values_list("address", flat=True)


def people_told(*, notice: Notice, but_for: int | None = None) -> list[User]:
    """Return who gets mail of a notice: those it is for who have an address and did not say no.

    but_for: the key of whoever did it, or can't do what it asks for.
    """
    if notice.maker_id is not None:
        people = User.objects.filter(makers=notice.maker_id)
    elif notice.account:
        people = User.objects.filter(wallets__address=notice.account)
    else:
        people = User.objects.filter(role__in=TREASURY_ROLES.get(Kind(notice.kind), ()))
    refused = MailChoice.objects.filter(kind=notice.kind, wanted=False).values("person")
    if but_for is not None:
        people = people.exclude(pk=but_for)
    return list(people.filter(is_active=True).exclude(email="").exclude(pk__in=refused).distinct().order_by("pk"))


def endpoints_told(*, notice: Notice) -> list[WebhookEndpoint]:
    """Return the endpoints that are on and take this kind, of the maker or else of the treasury."""
    if notice.account or notice.kind in (Kind.WEBHOOK_OFF, Kind.TEST):
        return []
    rows = WebhookEndpoint.objects.filter(maker=notice.maker, is_on=True)
    return [row for row in rows if not row.kinds or notice.kind in row.kinds]


def kinds_for(*, person: User) -> tuple[Notice.Kind, ...]:
    """Return the kinds of notices that can reach a person."""
    if person.role in APART_FROM_MAKERS:
        return tuple(kind for kind in FOR_TREASURY if person.role in TREASURY_ROLES[kind])
    return FOR_MAKERS if person.role == ROLE.MAKER else FOR_PROVIDERS


def mail_rows(*, person: User) -> list[MailRow]:
    """Return what a person may have mailed."""
    refused = set(MailChoice.objects.filter(person=person, wanted=False).values_list("kind", flat=True))
    return [MailRow(kind.value, kind.label, kind.value not in refused) for kind in kinds_for(person=person)]


def notices_of(*, person: User) -> list[Notice]:
    """Return the newest notices that are for a person: of their makers, their accounts, or the treasury."""
    mine = Q(maker__in=person.makers.all()) | Q(account__in=person.wallets.values("address"))
    if person.role in APART_FROM_MAKERS:
        mine |= Q(maker=None, account="") & ~Q(kind=Kind.TEST)
    rows = Notice.objects.filter(mine).exclude(kind=Kind.TEST).select_related("program", "epoch", "maker")
    return list(rows[:ROWS])


def endpoints_of(*, maker: Maker | None) -> list[WebhookEndpoint]:
    """Return the endpoints of a maker, or with None the treasury's."""
    return list(WebhookEndpoint.objects.filter(maker=maker).select_related("added_by"))


def deliveries_of(*, endpoint: WebhookEndpoint) -> list[Delivery]:
    """Return the newest deliveries to an endpoint."""
    return list(endpoint.deliveries.select_related("notice")[:ROWS])


def delivery_ids_due(*, now: datetime, most: int) -> Collection[int]:
    """Return the deliveries that somebody should try now, the longest due first. now: this machine's clock."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = Delivery.objects.filter(free, state=Delivery.State.WAITING, next_at__lte=now).order_by("next_at", "id")
    return list(due.values_list("pk", flat=True)[:most])
