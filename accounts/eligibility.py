"""Who may be enrolled and paid: excluded regions and listed accounts, both data with a source and a date."""

import csv
import hashlib
import io
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from accounts.errors import SanctionsFileError
from accounts.fields import address_pattern
from accounts.models import SanctionsList

DATA: Final = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Where a maker may not be established. regions: ISO 3166 code to name, `as_of`: when it was last looked at."""

    source: str
    as_of: date
    regions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What somebody accepts who asks for a maker's enrolment."""

    version: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A sanctions list. names: address (lower case) to whose it is, by the list."""

    sha256: str
    source: str
    as_of: date
    names: Mapping[str, str]

    @property
    def title(self) -> str:
        """What sentences call the list."""
        return f"{self.source}, {self.as_of.isoformat()}"


@cache
def excluded_regions() -> Regions:
    """Return the excluded regions of the data file."""
    read = tomllib.loads((DATA / "excluded_regions.toml").read_text())
    regions = {row["code"]: row["name"] for row in read["region"]}
    return Regions(source=read["source"], as_of=read["as_of"], regions=regions)


@cache
def countries() -> Mapping[str, str]:
    """Return every country's name by its ISO 3166-1 code, in the order of names."""
    rows = csv.DictReader(_lines((DATA / "countries.csv").read_text()))
    return dict(sorted(((row["code"], row["name"]) for row in rows), key=lambda pair: pair[1]))


@cache
def enrolment_terms() -> Terms:
    """Return what is accepted at asking: the data file's text and the regions that are excluded now."""
    head, _, text = (DATA / "enrolment_terms.txt").read_text().partition("\n")
    excluded = excluded_regions()
    names = "; ".join(f"{name} ({code})" for code, name in excluded.regions.items())
    return Terms(
        version=head.removeprefix("version: "), text=f"{text}Excluded regions, as of {excluded.as_of}: {names}.\n"
    )


def sanctions_parse(content: bytes) -> Listing:
    """Read a sanctions file: lines `# source:` and `# as_of:`, then CSV with the columns address and name.

    Raises SanctionsFileError, which names the line.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SanctionsFileError(line=1, reason="it is not UTF-8 text") from error
    head = dict(
        line[1:].strip().split(": ", 1)
        for line in text.splitlines()
        if line.startswith("#") and line[1:].strip().startswith(("source: ", "as_of: "))
    )
    try:
        as_of = date.fromisoformat(head["as_of"])
        source = head["source"]
    except (KeyError, ValueError) as error:
        raise SanctionsFileError(line=1, reason="lines “# source: …” and “# as_of: YYYY-MM-DD” are needed") from error
    return Listing(sha256=hashlib.sha256(content).hexdigest(), source=source, as_of=as_of, names=_entries(text))


def sanctions_now() -> Listing:
    """Return the newest list that was loaded, or the data file's before any was."""
    return _listing(SanctionsList.objects.order_by("-pk").first())


def sanctions_at(*, start_ms: int) -> Listing:
    """Return the list that counts for an epoch that starts then; a list that is loaded later changes nothing for it."""
    return _listing(SanctionsList.objects.filter(since_ms__lte=start_ms).order_by("-pk").first())


def listed(addresses: Iterable[str], *, listing: Listing | None = None) -> dict[str, str]:
    """Return a sentence for each of the addresses that is on the list (the newest one when none is given)."""
    on = sanctions_now() if listing is None else listing
    found = sorted({address.lower() for address in addresses} & on.names.keys())
    return {address: f"{address} is on a sanctions list ({on.title}): {on.names[address]}." for address in found}


def region_problem(code: str) -> str | None:
    """Return why a maker that is established there can't take part, or None when it can."""
    excluded = excluded_regions()
    if code in excluded.regions:
        return f"{excluded.regions[code]} is excluded (as of {excluded.as_of}; {excluded.source})."
    return None


def problems(
    *, region: str, quoting: Collection[str], paid: Collection[str], listing: Listing | None = None
) -> list[str]:
    """Return what stands against a maker with these addresses, as sentences; empty when nothing does.

    listing: the sanctions list to look at; the newest one when none is given.
    """
    found = [region_problem(region)] if region else []
    return [*filter(None, found), *listed([*quoting, *paid], listing=listing).values()]


def _listing(row: SanctionsList | None) -> Listing:
    if row is None:
        return _default()
    names = dict(row.entries.values_list("address", "name"))
    return Listing(sha256=row.sha256, source=row.source, as_of=row.as_of, names=names)


@cache
def _default() -> Listing:
    return sanctions_parse((DATA / "sanctions.csv").read_bytes())


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _entries(text: str) -> dict[str, str]:
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not numbered or [cell.strip() for cell in numbered[0][1].split(",")] != ["address", "name"]:
        raise SanctionsFileError(line=numbered[0][0] if numbered else 1, reason="the columns are address,name")
    names: dict[str, str] = {}
    for number, line in numbered[1:]:
        cells = next(csv.reader(io.StringIO(line)))
        address = cells[0].strip().lower()
        if len(cells) != 2 or not address_pattern.fullmatch(address):
            raise SanctionsFileError(
                line=number, reason="it must be an address (0x and 40 hex digits), a comma, a name"
            )
        names[address] = cells[1].strip()[:200]
    return names
