"""What terms would mean in their first epoch: the week, the rates, the change, the warnings; before anybody accepts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from onchain.errors import OnchainError
from onchain.rpc import Policy, connect
from rewards.calendars import AfterLastDayError, build_sessions, days_later_ms
from rewards.models import Program, TermsVersion
from rewards.selectors.rows import SessionRow
from rewards.selectors.terms_facts import TermsFacts, terms_facts
from rewards.selectors.terms_history import TermsSource, terms_in_force, version_source
from rewards.selectors.terms_ruling import ComingEpoch, free_epochs, ruling_version
from rewards.views.figures.rates import KindRate, kind_rates
from rewards.views.figures.week import Week, week_figure
from rewards.views.terms_diff import Difference, terms_differences
from rewards.views.terms_fields import Unit, money
from rewards.views.terms_warnings import terms_warnings
from rewards.views.terms_words import terms_sentences
from rewards.views.words import HOUR_MS, boost_text

_PATIENCE_S = 3.0
"""A page must not hang on a node that doesn't answer; it says then that it could not ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRates:
    """What one market's quotes earn a second in each kind of session of the epoch, in the kinds' order."""

    name: str
    seconds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything that the page draws. `compared_with` is empty when no terms are in force."""

    epoch: ComingEpoch | None
    week: Week | None
    caption: str
    rates: tuple[KindRate, ...]
    market_rates: tuple[MarketRates, ...]
    budget: int
    average_hour: int
    hours: int
    compared_with: str
    differences: list[Difference]
    sentences: list[str]
    new_sentences: list[str]
    warnings: list[str]
    facts: TermsFacts


def terms_preview(*, version: TermsVersion, now_ms: int) -> Preview:
    """Work out what a version of the terms would mean. Asks the chain for the treasury's money, once."""
    program = version.program
    document = version_source(version=version).document
    unit = money(program.token_symbol, program.token_decimals)
    epoch = _first_epoch(version, now_ms)
    before = _before(version, epoch, now_ms)
    sessions = _sessions(program, document, epoch)
    facts = _facts(program, document)
    sentences = _words(document, program)
    known = set(_words(before.document, program)) if before else set(sentences)
    rates = kind_rates(terms=document, sessions=sessions)
    length_ms = epoch.end_ms - epoch.start_ms if epoch else 0
    return Preview(
        epoch=epoch,
        week=week_figure(sessions=sessions, boosts=document["boosts"], clock_ms=None) if sessions else None,
        caption=_caption(epoch, document["boosts"]),
        rates=rates,
        market_rates=_market_rates(document, sessions),
        budget=int(document["budget"]),
        average_hour=int(document["budget"]) * HOUR_MS // length_ms if length_ms else 0,
        hours=length_ms // HOUR_MS,
        compared_with=before.label if before else "",
        differences=_differences(before.document, document, unit) if before else [],
        sentences=sentences,
        new_sentences=[sentence for sentence in sentences if sentence not in known],
        warnings=terms_warnings(terms=document, facts=facts, unit=unit),
        facts=facts,
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], unit: Unit) -> list[Difference]:
    return terms_differences(before=before, after=after, unit=unit)


def _words(document: Mapping[str, Any], program: Program) -> list[str]:
    if not document["markets"]:
        return []
    return terms_sentences(terms=document, symbol=program.token_symbol, decimals=program.token_decimals)


def _first_epoch(version: TermsVersion, now_ms: int) -> ComingEpoch | None:
    """Return the epoch that it is scheduled for, else the first to come, with the length that the version gives it.

    None where there is none, and where the calendar of the exchange ends before it does.
    """
    program = version.program
    if version.from_epoch is not None and version.from_ms is not None:
        number, start_ms, is_made = version.from_epoch, version.from_ms, True
    else:
        coming = free_epochs(version=version, now_ms=now_ms)
        if not coming:
            return None
        number, start_ms, is_made = coming[0].number, coming[0].start_ms, coming[0].is_made
    try:
        end_ms = days_later_ms(program.calendar, start_ms, version.epoch_days)
    except AfterLastDayError:
        return None
    return ComingEpoch(number=number, start_ms=start_ms, end_ms=end_ms, is_made=is_made)


def _before(version: TermsVersion, epoch: ComingEpoch | None, now_ms: int) -> TermsSource | None:
    """Return the terms that it would take the place of: a version that is scheduled before it, else those in force."""
    if epoch is not None:
        number = epoch.number if version.from_epoch is None else epoch.number - 1
        ruling = ruling_version(program=version.program, number=number)
        if ruling is not None and ruling.pk != version.pk:
            return version_source(version=ruling)
    return terms_in_force(program=version.program, now_ms=now_ms)


def _sessions(program: Program, document: Mapping[str, Any], epoch: ComingEpoch | None) -> list[SessionRow]:
    if epoch is None:
        return []
    return [
        SessionRow(start_ms=start, end_ms=end, kind=kind, boost_percent=document["boosts"][kind])
        for start, end, kind in build_sessions(program.calendar, epoch.start_ms, epoch.end_ms)
    ]


def _market_rates(document: Mapping[str, Any], sessions: list[SessionRow]) -> tuple[MarketRates, ...]:
    return tuple(
        MarketRates(
            name=name,
            seconds=tuple(
                rate.second_raw for rate in kind_rates(terms={**document, "markets": {name: market}}, sessions=sessions)
            ),
        )
        for name, market in sorted(document["markets"].items())
    )


def _caption(epoch: ComingEpoch | None, boosts: Mapping[str, int]) -> str:
    if epoch is None:
        return ""
    low, high = min(boosts.values()), max(boosts.values())
    if low == high:
        return f"Epoch {epoch.number} would pay the same in every hour."
    return (
        f"The brighter, the more an hour would pay in epoch {epoch.number}: from {boost_text(percent=low)} to "
        f"{boost_text(percent=high)} the base rate."
    )


def _facts(program: Program, document: Mapping[str, Any]) -> TermsFacts:
    try:
        client = connect(urls=settings.RPC_URLS, policy=Policy(attempts=1, timeout_s=_PATIENCE_S))
    except OnchainError:
        return terms_facts(None, program=program, markets=document["markets"])
    try:
        return terms_facts(client, program=program, markets=document["markets"])
    finally:
        client.close()
