"""Programmes and their epochs: made, scheduled, begun."""

from django.db import transaction

from onchain.models import ChainDistributor
from onchain.services import contract_watch
from rewards.calendars import build_sessions, days_later_ms
from rewards.engine.errors import TermsError
from rewards.engine.jsontext import parse_strict
from rewards.engine.terms import Terms, canonical_json, parse_terms
from rewards.errors import EpochConflictError, ProgramConflictError
from rewards.models import Epoch, EpochSession, Program
from rewards.selectors.terms_ruling import ruling_terms


@transaction.atomic
def program_create(
    *,
    slug: str,
    name: str,
    chain_id: int,
    distributor: str,
    token: str,
    token_symbol: str,
    start_block: int,
    summary: str = "",
    token_decimals: int = 18,
    calendar: str = "XNYS",
) -> Program:
    """Register a programme and watch its distributor from `start_block` on (the block that deployed it, or before).

    Doing it twice is the same as doing it once. Raises ProgramConflictError when the slug belongs to another
    distributor or token.
    """
    decides = {"chain_id": chain_id, "distributor": distributor.lower(), "token": token.lower()}
    shown = {"name": name, "summary": summary, "token_symbol": token_symbol, "token_decimals": token_decimals}
    program, created = Program.objects.get_or_create(slug=slug, defaults={**decides, **shown, "calendar": calendar})
    for field, value in decides.items():
        if getattr(program, field) != value:
            raise ProgramConflictError(program=slug, field=field, stored=getattr(program, field), given=value)
    if not created:
        Program.objects.filter(pk=program.pk).update(**shown)
    ChainDistributor.objects.get_or_create(chain_id=chain_id, address=program.distributor)
    contract_watch(address=program.distributor, start_block=start_block, label=f"distributor of {slug}")
    return program


@transaction.atomic
def epoch_schedule(*, program: Program, terms: bytes) -> Epoch:
    """Schedule the epoch that the terms (JSON, docs/spec/scoring.md) describe, with its sessions fixed now.

    A later change of a calendar library changes nothing for it. Doing it twice is the same as doing it once.
    Raises the engine's TermsError, which names the key, and EpochConflictError.
    """
    parsed = parse_terms(terms)
    _check_fit(program, parsed)
    epoch, created = Epoch.objects.get_or_create(
        program=program,
        number=parsed.epoch.number,
        defaults={
            "start_ms": parsed.epoch.start_ms,
            "end_ms": parsed.epoch.end_ms,
            "terms_json": parsed.canonical.decode(),
            "terms_sha256": parsed.sha256,
            "budget": parsed.budget,
        },
    )
    if not created:
        if epoch.terms_sha256 != parsed.sha256:
            raise EpochConflictError(number=epoch.number, reason="it is scheduled with other terms already")
        return epoch
    rows = build_sessions(program.calendar, epoch.start_ms, epoch.end_ms)
    EpochSession.objects.bulk_create(
        EpochSession(epoch=epoch, start_ms=start, end_ms=end, kind=kind) for start, end, kind in rows
    )
    return epoch


@transaction.atomic
def program_template_set(*, program: Program, template: bytes, epoch_days: int) -> None:
    """Have every next epoch scheduled by itself with these terms (JSON as in docs/spec/scoring.md, without `epoch`).

    It counts for epochs that are not scheduled yet; those that are keep the terms that were announced. An empty
    template ends it. Raises the engine's TermsError, which names the key.
    """
    if template:
        parsed = parse_terms(_terms_of(template, number=1, start_ms=0, end_ms=1))
        _check_program(program, parsed)
    program.template_json, program.epoch_days = template.decode(), epoch_days
    program.save(update_fields=["template_json", "epoch_days"])


@transaction.atomic
def epoch_schedule_next(*, program: Program, now_ms: int) -> Epoch | None:
    """Schedule the epoch after the last one, once that has begun, from the terms that rule it.

    They are those of the version that was accepted for it or before, else the programme's template. It lasts so many
    days by the clock of the exchange, so that it begins at the same hour through a change of the clock.
    now_ms: the chain's clock. Returns None when nothing is to be done.
    """
    # Held against a version that is accepted or withdrawn meanwhile.
    Program.objects.select_for_update().get(pk=program.pk)
    last = program.epochs.order_by("-number").first()
    number = last.number + 1 if last else 1
    ruling = ruling_terms(program=program, number=number)
    if ruling is None or (last is not None and now_ms < last.start_ms):
        return None
    start_ms = last.end_ms if last else None
    version = ruling.version
    # After a pause, and for the very first one, the version says when it begins.
    if version and version.from_epoch == number and version.from_ms and version.from_ms > (start_ms or 0):
        start_ms = version.from_ms
    if start_ms is None:
        return None
    end_ms = days_later_ms(program.calendar, start_ms, ruling.epoch_days)
    terms = _terms_of(ruling.terms_json.encode(), number=number, start_ms=start_ms, end_ms=end_ms)
    return epoch_schedule(program=program, terms=terms)


def epochs_begin(*, now_ms: int) -> int:
    """Turn scheduled epochs whose time has come live; returns how many. `now_ms` is the chain's clock."""
    return Epoch.objects.filter(state=Epoch.State.SCHEDULED, start_ms__lte=now_ms).update(state=Epoch.State.LIVE)


def _terms_of(template: bytes, *, number: int, start_ms: int, end_ms: int) -> bytes:
    """Put an epoch into a template; an unknown or doubled key is left for the engine to refuse."""
    document = parse_strict(template, document="template")
    if not isinstance(document, dict) or "epoch" in document:
        raise TermsError(path="epoch", reason="a template is an object that leaves it out")
    return canonical_json(document | {"epoch": {"number": number, "start_ms": start_ms, "end_ms": end_ms}})


def _check_fit(program: Program, terms: Terms) -> None:
    number = terms.epoch.number
    _check_program(program, terms)
    others = program.epochs.exclude(number=number)
    if others.filter(start_ms__lt=terms.epoch.end_ms, end_ms__gt=terms.epoch.start_ms).exists():
        raise EpochConflictError(number=number, reason="its time overlaps that of another epoch")
    if others.filter(number__lt=number, start_ms__gte=terms.epoch.end_ms).exists():
        raise EpochConflictError(number=number, reason="an epoch with a smaller number comes later")


def _check_program(program: Program, terms: Terms) -> None:
    number = terms.epoch.number
    if terms.program != program.slug:
        raise EpochConflictError(number=number, reason=f"its terms are of the programme {terms.program}")
    if terms.token != program.token:
        raise EpochConflictError(number=number, reason=f"its terms pay {terms.token}, the programme {program.token}")
