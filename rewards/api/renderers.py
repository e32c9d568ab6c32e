"""Tables as CSV and as Parquet: the same rows and columns as in JSON, with units."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer

from rewards.api.fields import Row


class Json(JSONRenderer):  # type: ignore[misc]  # untyped
    """JSON, without DRF's indent parameter."""

    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Write UTF-8, compact; refuse what JSON has no word for."""
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class Csv(BaseRenderer):  # type: ignore[misc]  # untyped
    """CSV with a header; units are in the columns' names and in the schema. Nested values are JSON text."""

    media_type, format, charset = "text/csv", "csv", "utf-8"
    render_style = "text"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Write the rows."""
        columns = list(row_fields(renderer_context["view"].row))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([_cell(row[column]) for column in columns] for row in rows_of(data))
        return out.getvalue().encode()


class Parquet(BaseRenderer):  # type: ignore[misc]  # untyped
    """Parquet; each column's unit and meaning go with it as metadata."""

    media_type, format, charset = "application/vnd.apache.parquet", "parquet", None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Write the rows."""
        fields = [_field(name, each) for name, each in row_fields(renderer_context["view"].row).items()]
        rows = rows_of(data)
        columns = [_column(field, [row[field.name] for row in rows]) for field in fields]
        sink = pa.BufferOutputStream()
        parquet.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), sink, compression="zstd")
        return bytes(sink.getvalue().to_pybytes())


def rows_of(data: Any) -> Sequence[Mapping[str, Any]]:
    """Return the rows of an answer."""
    found: Sequence[Mapping[str, Any]] = data["items"]
    return found


def row_fields(row: type[Row]) -> dict[str, serializers.Field]:
    """Return the columns of a row, in their order."""
    return dict(row().fields)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A name that begins like a formula would be one in a spreadsheet.
    if (isinstance(value, str) and value[:1] in ("=", "+", "@", "\t", "\r")) or (
        isinstance(value, str) and value[:1] == "-" and not value[1:].isdigit()
    ):
        return f"'{value}"
    return value


_ARROW: tuple[tuple[type, pa.DataType], ...] = (
    (serializers.BooleanField, pa.bool_()),
    (serializers.IntegerField, pa.int64()),
    (serializers.FloatField, pa.float64()),
)


def _field(name: str, column: serializers.Field) -> pa.Field:
    kind = next((found for of, found in _ARROW if isinstance(column, of)), pa.string())
    return pa.field(name, kind, metadata={"unit": getattr(column, "unit", ""), "meaning": str(column.help_text or "")})


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    if field.type == pa.string():
        values = [json.dumps(each, ensure_ascii=False) if isinstance(each, (list, dict)) else each for each in values]
    return pa.array(values, type=field.type)
