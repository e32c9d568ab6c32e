"""What may stand behind the question mark: one serializer a route, so that the schema and the check are one thing."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from onchain.jsondepth import is_too_deep
from rewards.api.errors import ParameterError
from rewards.api.serializers import KIND_CHOICES, STATES
from rewards.selectors.whatif import AS_IT_WAS
from rewards.services.whatif import MOST_EPOCHS

LATEST_MS: Final = 4_102_444_800_000
"""The year 2100."""
MOST_ROWS: Final = 1_000
ADDRESS: Final = r"^0x[0-9a-fA-F]{40}$"
TERMS_KEY: Final = r"^[a-z0-9-]{1,60}$"


class Params(serializers.Serializer):  # type: ignore[misc]  # untyped
    """No parameters."""


class Paged(Params):
    """A list."""

    cursor = serializers.CharField(
        required=False, default="", max_length=400, help_text="From `next` of the page before."
    )
    limit = serializers.IntegerField(
        required=False, default=100, min_value=1, max_value=MOST_ROWS, help_text="Rows a page."
    )


def moment_field(text: str) -> serializers.IntegerField:
    """Return a parameter that is a moment."""
    return serializers.IntegerField(
        required=False, min_value=0, max_value=LATEST_MS, help_text=f"{text} Unit: ms since 1970, UTC."
    )


def choice_field(choices: Sequence[tuple[str, str]], text: str, **options: Any) -> serializers.ChoiceField:
    """Return a parameter that is one of a few words."""
    words = ", ".join(word for word, _ in choices)
    messages = {"invalid_choice": f"“{{input}}” is none of {words}."}
    return serializers.ChoiceField(choices=choices, required=False, help_text=text, error_messages=messages, **options)


class EpochsParams(Paged):
    """Which epochs."""

    state = choice_field(STATES, "Only those in this state.")
    from_ms = moment_field("Only those that end after this.")
    to_ms = moment_field("Only those that start before this.")


class SessionsParams(Paged):
    """Which sessions."""

    epoch = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1, help_text="Only of this epoch.")
    kind = choice_field(KIND_CHOICES, "Only of this kind.")
    from_ms = moment_field("Only those that end after this.")
    to_ms = moment_field("Only those that start before this.")


class ClaimsParams(Paged):
    """Which collections."""

    account = serializers.RegexField(
        ADDRESS, required=False, help_text="Only of this account.",
        error_messages={"invalid": "Write 0x and 40 hexadecimal digits."},
    )  # fmt: skip
    from_ms = moment_field("Only at this time or later.")
    to_ms = moment_field("Only before this time.")


class MarketParams(Paged):
    """Which markets."""

    market = serializers.CharField(required=False, max_length=64, help_text="Only of this market.")


class QuotesParams(Paged):
    """Which quotes."""

    limit = serializers.IntegerField(
        required=False, default=300, min_value=1, max_value=3_000, help_text="Rows a page; a week has some 2,050."
    )
    by = choice_field(
        [(each, each) for each in ("five_minutes", "session", "epoch")], "What a row is over.", default="five_minutes"
    )
    from_ms = moment_field("Only rows that end after this.")
    to_ms = moment_field("Only rows that start before this.")


class MomentParams(Params):
    """Which moment."""

    at_ms = moment_field("The moment; without it, the newest that is known.")


class StrictJson(JSONParser):  # type: ignore[misc]  # untyped
    """JSON, of which too deep a nest is as wrong as a missing brace."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Read it. Raises ParseError."""
        body = stream.read()
        if is_too_deep(body):
            raise ParseError("The JSON is nested too deeply.")
        return super().parse(BytesIO(body), media_type, parser_context)


class WhatIfBody(Params):
    """What is asked."""

    epochs = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**31 - 1), min_length=1, max_length=MOST_EPOCHS,
        help_text="Numbers of epochs that are scored.",
    )  # fmt: skip
    before = serializers.RegexField(
        TERMS_KEY, required=False, default=AS_IT_WAS, help_text="Key of the terms to compare with, from what-if-terms."
    )
    after = serializers.RegexField(TERMS_KEY, help_text="Key of the terms to try, from what-if-terms.")


def read_body(request: Request, body: type[Params]) -> dict[str, Any]:
    """Return a request's content. Raises ParseError; ParameterError, also for names that the route does not know."""
    given = request.data
    if not isinstance(given, dict):
        raise ParseError("The content has to be a JSON object.")
    form = body(data=given)
    problems = {name[:60]: "There is no such field here." for name in given if name not in form.fields}
    if not form.is_valid():
        problems |= {name: " ".join(_sentences(texts)) for name, texts in form.errors.items()}
    if problems:
        raise ParameterError(problems)
    found: dict[str, Any] = form.validated_data
    return found


def _sentences(found: Any) -> Iterator[str]:
    """Walk what a form says of a field: a list of sentences, of a list's items by their places."""
    if isinstance(found, dict):
        for place, texts in found.items():
            yield from (f"Item {int(place) + 1}: {text}" for text in _sentences(texts))
    else:
        yield from (str(each) for each in found)


def read(request: Request, params: type[Params]) -> dict[str, Any]:
    """Return the parameters of a request. Raises ParameterError, also for names that the route does not know.

    A name that is written wrongly would otherwise be a filter that does not filter.
    """
    given, form = request.query_params, params()
    problems = {name[:60]: "There is no such parameter here." for name in given if name not in form.fields}
    problems |= {name: "Give it once." for name in given if len(given.getlist(name)) > 1 and name not in problems}
    form = params(data={name: given[name] for name in given if name in form.fields})
    if not form.is_valid():
        problems |= {name: " ".join(str(each) for each in texts) for name, texts in form.errors.items()}
    if problems:
        raise ParameterError(problems)
    found: dict[str, Any] = form.validated_data
    return found
