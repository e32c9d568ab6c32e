"""The rows that several pages share: an epoch, a session, and how far an epoch has come in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from rewards.models import Epoch, EpochSession

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
"""Kinds of session in the order in which pages list them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """One epoch. Amounts are in the token's smallest unit and None before scoring; times are ms UTC."""

    id: int
    program_slug: str
    number: int
    start_ms: int
    end_ms: int
    state: str
    state_label: str
    budget: int
    paid_total: int | None
    unspent: int | None
    carried_in_total: int | None
    carried_out_total: int | None
    root: str
    parent_root: str
    manifest_hash: str
    digest: str
    chain_epoch: int | None
    activatable_at_ms: int | None
    evidence_name: str
    note: str

    @property
    def is_scored(self) -> bool:
        """Whether the amounts are final as far as scoring goes."""
        return self.paid_total is not None

    @property
    def earned_total(self) -> int | None:
        """What the makers earned in this epoch (paid and carried on, less what they brought)."""
        if self.paid_total is None:
            return None
        return self.paid_total + (self.carried_out_total or 0) - (self.carried_in_total or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session of an epoch with its boost (percent: 100 pays the plain rate)."""

    start_ms: int
    end_ms: int
    kind: str
    boost_percent: int

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsView:
    """All sessions of an epoch; `current` holds `now_ms`, `upcoming` begins next (None outside the epoch)."""

    sessions: tuple[SessionRow, ...]
    current: SessionRow | None
    upcoming: SessionRow | None


def state_label(*, epoch: Epoch, now_ms: int) -> str:
    """Say in a few words how far the epoch has come."""
    if epoch.state == Epoch.State.SCHEDULED and epoch.start_ms <= now_ms:
        return "Starting"
    if epoch.state == Epoch.State.LIVE and epoch.end_ms <= now_ms:
        return "Ended, being scored"
    return str(Epoch.State(epoch.state).label)


def epoch_row(*, epoch: Epoch, now_ms: int) -> EpochRow:
    """Turn a row of the table (with its programme loaded) into what pages show."""
    at_s = epoch.activatable_at_s
    return EpochRow(
        id=epoch.pk,
        program_slug=epoch.program.slug,
        number=epoch.number,
        start_ms=epoch.start_ms,
        end_ms=epoch.end_ms,
        state=epoch.state,
        state_label=state_label(epoch=epoch, now_ms=now_ms),
        budget=epoch.budget,
        paid_total=epoch.paid_total,
        unspent=epoch.unspent,
        carried_in_total=epoch.carried_in_total,
        carried_out_total=epoch.carried_out_total,
        root=epoch.root,
        parent_root=epoch.parent_root,
        manifest_hash=epoch.manifest_hash,
        digest=epoch.digest,
        chain_epoch=epoch.chain_epoch,
        activatable_at_ms=None if at_s is None else at_s * 1000,
        evidence_name=epoch.evidence_name,
        note=epoch.note,
    )


def sessions_view(*, sessions: Iterable[EpochSession], boosts: dict[str, int], now_ms: int) -> SessionsView:
    """Lay out sessions in time with their boosts and find the current and the next one."""
    rows = tuple(
        SessionRow(start_ms=row.start_ms, end_ms=row.end_ms, kind=row.kind, boost_percent=boosts.get(row.kind, 0))
        for row in sorted(sessions, key=lambda row: row.start_ms)
    )
    current = next((row for row in rows if row.start_ms <= now_ms < row.end_ms), None)
    upcoming = next((row for row in rows if row.start_ms > now_ms), None)
    return SessionsView(sessions=rows, current=current, upcoming=upcoming)
