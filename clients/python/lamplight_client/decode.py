"""From JSON to dataclasses: amounts become whole numbers, moments become datetimes, what is new is left aside."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from lamplight_client.errors import UnexpectedAnswerError

T = TypeVar("T")
Convert = Callable[[Any], Any]


def decode(kind: type[T], value: object) -> T:
    """Make a row of what the API sent. Raises UnexpectedAnswerError when it lacks a column or has one of another kind.

    Columns that this version of the client does not know are ignored.
    """
    try:
        return typing.cast(T, _converter(typing.cast(Any, kind))(value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"The answer is not as this client knows {kind.__name__} ({error!r}). Is the service of another version?"
        raise UnexpectedAnswerError(text) from error


@cache
def _converter(kind: Any) -> Convert:
    if dataclasses.is_dataclass(kind):
        return _row(typing.cast(type[Any], kind))
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType or origin is typing.Union:
        inner = _converter(next(each for each in arguments if each is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _converter(arguments[0])
        return lambda value: tuple(item(each) for each in value)
    if origin is typing.Literal or kind is Any:
        return lambda value: value  # a value that came later is handed on as it is
    if origin is Mapping or origin is dict:
        item = _converter(arguments[1])
        return lambda value: {name: item(each) for name, each in value.items()}
    return PLAIN[kind]


def _row(kind: type[Any]) -> Convert:
    hints = typing.get_type_hints(kind)
    # A column whose name is a word of Python has a _ behind it here.
    columns = [
        (field.name, field.name.removesuffix("_"), _converter(hints[field.name])) for field in dataclasses.fields(kind)
    ]
    return lambda value: kind(**{name: convert(value[column]) for name, column, convert in columns})


def _is(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


PLAIN: Mapping[Any, Convert] = {datetime: datetime.fromisoformat, int: int, float: float, bool: _is, str: _text}
