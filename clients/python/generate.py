"""Writes the client's rows and routes from the API's OpenAPI description: generate.py OPENAPI_JSON FOLDER."""

import json
import keyword
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTH = 114
HEAD = '"""{what}\n\nMade from the API\'s description by generate.py (`make client`); don\'t edit it.\n"""\n\n'
Schema = dict[str, Any]


def main(description: str, folder: str) -> int:
    """Write both files."""
    found = json.loads(Path(description).read_text())
    for name, text in files(found).items():
        (Path(folder) / name).write_text(text)
    return 0


def files(description: Schema) -> dict[str, str]:
    """Return the text of each file by its name."""
    return {"rows.py": rows_file(description), "routes.py": routes_file(description)}


# --- rows ---------------------------------------------------------------------------------------------------------


def rows_file(description: Schema) -> str:
    """Write a dataclass for each kind of row."""
    schemas: Schema = description["components"]["schemas"]
    enums = {name: each for name, each in schemas.items() if "enum" in each}
    shown = {name: each for name, each in schemas.items() if _is_row(name)}
    out = [
        HEAD.format(what="What the API answers, as rows."),
        "from collections.abc import Mapping\nfrom dataclasses import dataclass\nfrom datetime import datetime\n",
        "from typing import Any, Literal\n\n",
    ]
    for name, each in sorted(enums.items()):
        if name != "CodeEnum":
            out.append(f"{_class(name)} = Literal[{', '.join(json.dumps(value) for value in each['enum'])}]\n")
    for name in _in_order(shown):
        out.append("\n\n" + "\n".join(_row(name, shown[name])) + "\n")
    return "".join(out)


def _is_row(name: str) -> bool:
    return name.endswith("Row")


def _in_order(rows: Schema) -> Iterator[str]:
    """Walk the rows so that what a row is made of comes before it."""
    given: set[str] = set()

    def walk(name: str) -> Iterator[str]:
        if name not in given:
            given.add(name)
            text = json.dumps(rows[name])
            for other in sorted(rows):
                if f'schemas/{other}"' in text:
                    yield from walk(other)
            yield name

    for name in sorted(rows):
        yield from walk(name)


def _row(name: str, schema: Schema) -> Iterator[str]:
    yield "@dataclass(frozen=True, slots=True, kw_only=True)"
    yield f"class {_class(name)}:"
    yield from _docstring(schema.get("description", ""))
    yield ""
    for column, each in schema["properties"].items():
        yield f"    {_name(column)}: {_type(each)}"
        yield from _docstring(each.get("description", ""))


def _docstring(text: str, indent: int = 4) -> Iterator[str]:
    lines = textwrap.wrap(text, WIDTH - indent - 6)
    if len(lines) <= 1:
        yield f'{" " * indent}"""{text}"""'
    else:
        yield f'{" " * indent}"""{lines[0]}'
        yield from (f"{' ' * indent}{line}" for line in lines[1:])
        yield f'{" " * indent}"""'


def _class(name: str) -> str:
    return name.removesuffix("Row").removesuffix("Enum")


def _name(column: str) -> str:
    return f"{column}_" if keyword.iskeyword(column) else column


def _type(schema: Schema) -> str:
    """Return the type of a column, as Python writes it."""
    if "$ref" in schema:
        return _class(schema["$ref"].rsplit("/", 1)[1])
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    (kind,) = [each for each in kinds if each != "null"]
    return _plain(kind, schema) + (" | None" if "null" in kinds else "")


def _plain(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"tuple[{_type(schema['items'])}, ...]"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"Mapping[str, {_type(more) if isinstance(more, dict) and 'type' in more else 'Any'}]"
    if kind == "string":
        if schema.get("pattern") == "^-?[0-9]+$":
            return "int"  # an amount, which JSON's numbers are too small for
        return "datetime" if schema.get("format") == "date-time" else "str"
    return {"integer": "int", "number": "float", "boolean": "bool"}[kind]


# --- routes -------------------------------------------------------------------------------------------------------

ROUTES_HEAD = '''from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from lamplight_client.http import Query, seg
from lamplight_client.rows import (
{names})
from lamplight_client.tables import Rows

T = TypeVar("T")


class Routes:
    """A method for each route of the API. What a list method returns is asked for while one iterates over it."""

    def _one(self, kind: type[T], path: str, query: Query) -> T:
        raise NotImplementedError

    def _rows(self, kind: type[T], path: str, query: Query) -> Rows[T]:
        raise NotImplementedError

    def _send(self, kind: type[T], method: str, path: str, content: dict[str, Any] | None = None) -> T:
        raise NotImplementedError
'''


def routes_file(description: Schema) -> str:
    """Write a method for each route, but for the one of events, which client.py has."""
    out, rows = [], set[str]()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] != "live":
                row, is_list = _answer(operation, description)
                rows |= {row}
                out.append("\n".join(_route(path, method, operation, row, is_list, description, rows)) + "\n")
    names = "".join(f"    {name},\n" for name in sorted(rows))
    return HEAD.format(what="The API's routes as methods.") + ROUTES_HEAD.format(names=names) + "\n" + "\n".join(out)


def _answer(operation: Schema, description: Schema) -> tuple[str, bool]:
    """Return the row that a route answers, and whether it is a list of them."""
    status = next(status for status in operation["responses"] if status.startswith("2"))
    name = operation["responses"][status]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    if not name.endswith("Page"):
        return _class(name), False
    items = description["components"]["schemas"][name]["properties"]["items"]["items"]
    return _class(items["$ref"].rsplit("/", 1)[1]), True


def _route(
    path: str, method: str, operation: Schema, row: str, is_list: bool, description: Schema, rows: set[str]
) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    own = [each for each in parameters if each["in"] == "query" and each["name"] != "cursor"]
    inside = sorted((each for each in parameters if each["in"] == "path"), key=lambda each: path.index(each["name"]))
    given = [f"{each['name']}: {_argument(each['schema'], rows)}" for each in inside]
    named = [f"{each['name']}: {_optional(each, rows)}" for each in own]
    texts = {each["name"]: each["description"] for each in own}
    body = _body(operation, description)
    if body:
        for name, each in body["properties"].items():
            kind = f"Sequence[{_type(each['items'])}]" if each["type"] == "array" else _type(each)
            named.append(f"{name}: {kind}" if name in body["required"] else f"{name}: {kind} | None = None")
            texts[name] = each["description"]
    arguments = ", ".join(["self", *given, *(["*"] if named else []), *named])
    yield f"    def {operation['operationId'].replace('-', '_')}({arguments}) -> {f'Rows[{row}]' if is_list else row}:"
    yield from _method_docstring(operation["description"], texts)
    address = path.removeprefix("/api/v1/")
    for each in inside:
        if each["schema"].get("type") == "string":
            address = address.replace(f"{{{each['name']}}}", f"{{seg({each['name']})}}")
    literal = f'f"{address}"' if "{" in address else f'"{address}"'
    if method != "get":
        content = (
            ", {" + ", ".join(f'"{name}": {_sent(name, body)}' for name in body["properties"]) + "}" if body else ""
        )
        yield f'        return self._send({row}, "{method.upper()}", {literal}{content})'
    else:
        query = "{" + ", ".join(f'"{each["name"]}": {each["name"]}' for each in own) + "}"
        yield f"        return self.{'_rows' if is_list else '_one'}({row}, {literal}, {query})"


def _sent(name: str, body: Schema) -> str:
    return f"list({name})" if body["properties"][name]["type"] == "array" else name


def _body(operation: Schema, description: Schema) -> Schema:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    found: Schema = description["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]]
    return found


def _method_docstring(text: str, texts: dict[str, str]) -> Iterator[str]:
    first, _, rest = text.partition(". ")
    lines = textwrap.wrap(text, WIDTH - 12)
    if len(lines) == 1 and not texts:
        yield f'        """{text}"""'
        return
    if rest and len(lines) > 1:
        yield f'        """{first}.'
        yield ""
        yield from (f"        {line}" for line in textwrap.wrap(rest, WIDTH - 8))
    else:
        yield f'        """{lines[0]}'
        yield from (f"        {line}" for line in lines[1:])
    if texts:
        yield ""
        for name, each in texts.items():
            yield from (
                f"        {line}" for line in textwrap.wrap(f"{name}: {each}", WIDTH - 8, subsequent_indent="  ")
            )
    yield '        """'


def _argument(schema: Schema, rows: set[str]) -> str:
    if "$ref" in schema or "allOf" in schema:
        name = _type(schema)
        rows.add(name)
        return name
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
    return _type(schema)


def _optional(parameter: Schema, rows: set[str]) -> str:
    kind = _argument(parameter["schema"], rows)
    if parameter["name"].endswith("_ms"):
        kind = "int | datetime"
    return f"{kind} | None = None"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
