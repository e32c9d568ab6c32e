"""What everybody may see of a programme: its epochs, sessions and standings, and what its terms say."""

from dataclasses import dataclass

from rewards.errors import NotFoundError
from rewards.models import Epoch, Program
from rewards.selectors.actions import session_rows
from rewards.selectors.parsed_terms import terms_document
from rewards.selectors.rows import EpochRow, SessionsView, epoch_row, sessions_view


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRow:
    """A programme in a list, with the epoch that runs now and the one that comes next (None: there is none)."""

    slug: str
    name: str
    summary: str
    chain_id: int
    distributor: str
    token: str
    token_symbol: str
    token_decimals: int
    live_epoch: EpochRow | None
    next_epoch: EpochRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOverview:
    """A programme's page: its epochs (newest first), the sessions of the live or else the next epoch."""

    program: ProgramRow
    epochs: tuple[EpochRow, ...]
    shown_epoch: EpochRow | None
    sessions: SessionsView | None
    markets: tuple[str, ...]
    now_ms: int


def program_list(*, now_ms: int) -> list[ProgramRow]:
    """Return all programmes by slug, with the epochs that run or come next, in two queries."""
    programs = list(Program.objects.all())
    by_program: dict[int, list[EpochRow]] = {program.pk: [] for program in programs}
    for epoch in Epoch.objects.brief().filter(state__in=_OF_A_ROW).order_by("number"):
        by_program[epoch.program_id].append(epoch_row(epoch=epoch, now_ms=now_ms))
    return [_program_row(program=program, epochs=by_program[program.pk]) for program in programs]


def program_overview(*, slug: str, now_ms: int) -> ProgramOverview:
    """Return one programme's page, in seven queries; NotFoundError when there is no such programme."""
    program = program_get(slug=slug)
    stored = list(program.epochs.brief().order_by("number"))
    rows = [epoch_row(epoch=epoch, now_ms=now_ms) for epoch in stored]
    head = _program_row(program=program, epochs=rows)
    shown = head.live_epoch or head.next_epoch or (rows[-1] if rows else None)
    sessions, markets = None, ()
    if shown is not None:
        epoch = Epoch.objects.select_related("program").get(pk=shown.id)
        terms = terms_document(epoch=epoch)
        sessions = sessions_view(sessions=session_rows(epoch=epoch), boosts=terms["boosts"], now_ms=now_ms)
        markets = tuple(sorted(terms["markets"]))
    return ProgramOverview(
        program=head,
        epochs=tuple(reversed(rows)),
        shown_epoch=shown,
        sessions=sessions,
        markets=markets,
        now_ms=now_ms,
    )


def epochs_begun(*, slug: str, now_ms: int) -> list[EpochRow]:
    """Return a programme's epochs whose time has come, the newest first, in one query."""
    stored = Epoch.objects.brief().filter(program__slug=slug, start_ms__lte=now_ms).order_by("-number")
    return [epoch_row(epoch=epoch, now_ms=now_ms) for epoch in stored]


def program_get(*, slug: str) -> Program:
    """Return the programme of this slug; NotFoundError when there is none."""
    program = Program.objects.filter(slug=slug).first()
    if program is None:
        raise NotFoundError(kind="programme", name=slug)
    return program


def epoch_get(*, slug: str, number: int) -> Epoch:
    """Return an epoch (its programme loaded) by programme and number; NotFoundError when there is none."""
    epoch = Epoch.objects.select_related("program").filter(program__slug=slug, number=number).first()
    if epoch is None:
        raise NotFoundError(kind="epoch", name=f"{slug} {number}")
    return epoch


def epoch_sessions(*, epoch_id: int, now_ms: int) -> SessionsView:
    """Return the sessions of an epoch with their boosts, the current and the next one, in two queries."""
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    boosts = terms_document(epoch=epoch)["boosts"]
    return sessions_view(sessions=session_rows(epoch=epoch), boosts=boosts, now_ms=now_ms)


_OF_A_ROW = (Epoch.State.LIVE, Epoch.State.SCHEDULED)


def _program_row(*, program: Program, epochs: list[EpochRow]) -> ProgramRow:
    live = [row for row in epochs if row.state == Epoch.State.LIVE]
    coming = [row for row in epochs if row.state == Epoch.State.SCHEDULED]
    return ProgramRow(
        slug=program.slug,
        name=program.name,
        summary=program.summary,
        chain_id=program.chain_id,
        distributor=program.distributor,
        token=program.token,
        token_symbol=program.token_symbol,
        token_decimals=program.token_decimals,
        live_epoch=live[-1] if live else None,
        next_epoch=coming[0] if coming else None,
    )
