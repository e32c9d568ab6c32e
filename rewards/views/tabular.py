"""Tables as files: CSV and Parquet whose headers name the units, which Parquet also carries with each column."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from django.http import HttpResponse
from pyarrow import csv, parquet

from rewards.analysis.columns import FLOAT, TEXT, WHOLE, Column
from rewards.views.words import amount_text

TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def text(name: str, meaning: str) -> list[Column]:
    """A column of words."""
    return [Column(name, TEXT, "", meaning)]


def whole(name: str, unit: str, meaning: str) -> list[Column]:
    """A column of whole numbers of at most 64 bits; the unit ends the name."""
    return [Column(name, WHOLE, unit, meaning)]


def number(name: str, unit: str, meaning: str) -> list[Column]:
    """A column of numbers with a fraction."""
    return [Column(name, FLOAT, unit, meaning)]


def amount(name: str, meaning: str) -> list[Column]:
    """Two columns of an amount: exact in the token's smallest unit (`_raw`), and in whole tokens to the last digit.

    Both are text: amounts may be larger than 64 bits, and none of their digits may go.
    """
    return [
        Column(f"{name}_raw", TEXT, "smallest unit of the token", meaning),
        Column(f"{name}_tokens", TEXT, "tokens", meaning),
    ]


def amount_values(name: str, raw: int | None, *, decimals: int) -> dict[str, str | None]:
    """Return the two values of an amount's columns; empty where it is not known."""
    if raw is None:
        return {f"{name}_raw": None, f"{name}_tokens": None}
    exact = amount_text(raw=raw, decimals=decimals).full.replace(",", "").replace("−", "-")
    return {f"{name}_raw": str(raw), f"{name}_tokens": exact}


def table_response(
    *, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], form: str, name: str
) -> HttpResponse:
    """Send rows as `name`.csv or `name`.parquet. rows: by the columns' names."""
    schema = pa.schema([column.field() for column in columns])
    return arrow_response(table=pa.Table.from_pylist(list(rows), schema=schema), form=form, name=name)


def arrow_response(*, table: pa.Table, form: str, name: str) -> HttpResponse:
    """Send an Arrow table as a file to keep."""
    sink = pa.BufferOutputStream()
    if form == "csv":
        csv.write_csv(table, sink)
    else:
        parquet.write_table(table, sink, compression="zstd")
    response = HttpResponse(sink.getvalue().to_pybytes(), content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response
