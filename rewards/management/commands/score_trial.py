"""`manage.py score_trial`: what makers would earn by terms, from the chain's own events; nothing is stored or paid."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import OnchainError
from onchain.selectors import settled_through_ms
from rewards.calendars.errors import CalendarError
from rewards.engine.errors import EngineError
from rewards.engine.evidence import Inputs, write_inputs, write_outputs
from rewards.engine.scoring import Result
from rewards.engine.tables import read_makers
from rewards.engine.texttable import amount_text, percent_text, table
from rewards.errors import RewardsError
from rewards.services.trial import Span, trial_score, trial_terms

HEADING = ("maker", "market", "present", "of the rate", "quoting", "fills", "stress", "payout")


class Command(BaseCommand):
    """Score, show the makers, and leave a bundle for `python -m rewards.engine`."""

    help = "Show what makers would earn by a file of terms in a stretch of the indexed chain. Nothing is paid."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the files, the stretch and where to write."""
        parser.add_argument("terms", type=Path, help="terms as .toml or .json, without `epoch` (docs/programmes.md)")
        parser.add_argument("makers", type=Path, help="CSV with the columns address,maker")
        parser.add_argument("--from", dest="start", required=True, metavar="TIME", help="2026-11-28T12:00:00Z")
        parser.add_argument("--to", dest="end", metavar="TIME", help="default: as far as the chain is final")
        parser.add_argument("--calendar", default="XNYS", help="whose hours the sessions are")
        parser.add_argument("--decimals", type=int, metavar="N", help="show amounts in whole tokens of N decimals")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="leave the inputs and results there")

    def handle(self, *args: Any, **options: Any) -> None:
        """Score and print."""
        try:
            inputs, result = _scored(options)
            if options["out"] is not None:
                options["out"].mkdir(parents=True, exist_ok=True)
                write_inputs(options["out"], inputs)
                write_outputs(options["out"], inputs, result)
        except (CalendarError, EngineError, OnchainError, RewardsError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        if not result.scores:
            self.stdout.write("No quote of these makers counted. The addresses are those that place the orders?")
        for line in table(HEADING, list(_rows(result, decimals=options["decimals"])), left=2):
            self.stdout.write(line)
        if options["out"] is not None:
            self.stdout.write(
                f"{options['out']} has the events and results: python -m rewards.engine explain shows why."
            )


def _scored(options: dict[str, Any]) -> tuple[Inputs, Result]:
    makers = read_makers(options["makers"].read_bytes())
    start_ms = _instant_ms("--from", options["start"])
    end_ms = _instant_ms("--to", options["end"]) if options["end"] else settled_through_ms()
    if end_ms <= start_ms:
        raise CommandError("The trial ends before it begins; the chain may not be indexed or final so far.")
    terms = trial_terms(
        raw=options["terms"].read_bytes(),
        is_toml=options["terms"].suffix == ".toml",
        span=Span(start_ms=start_ms, end_ms=end_ms),
    )
    return trial_score(terms=terms, makers=makers, calendar=options["calendar"])


def _instant_ms(option: str, text: str) -> int:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option} takes a time such as 2026-11-28T12:00:00Z, not {text}.") from error
    if instant.tzinfo is None:
        raise CommandError(f"{option}: say the zone as well, such as {text}Z for UTC.")
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _rows(result: Result, *, decimals: int | None) -> Iterator[tuple[str, ...]]:
    """Yield a row for each maker and market that has a score."""
    paid = {(row.maker, row.market): row for row in result.allocations}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in result.scores:
        for place, value in enumerate((row.present_ms, row.credit)):
            sums[row.maker, row.market][place] += value
    for (maker, market), (present_ms, credit) in sorted(sums.items()):
        got, live_ms = paid.get((maker, market)), sum(result.markets[market].live_ms)
        amounts = (got.quoting, got.fills, got.stress, got.payout) if got else (0, 0, 0, 0)
        share_bps = credit * 10_000 // (live_ms << 30) if live_ms else 0
        yield (
            *(maker, market, percent_text(present_ms * 10_000 // live_ms if live_ms else 0), percent_text(share_bps)),
            *(amount_text(amount, decimals=decimals) for amount in amounts),
        )
