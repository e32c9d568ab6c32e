"""What may stand behind the question mark: one serializer a route, so that the schema and the check are one thing."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request

from rewards.api.errors import ParameterError
from rewards.api.serializers import KIND_CHOICES, STATES

LATEST_MS: Final = 4_102_444_800_000
"""The year 2100."""
MOST_ROWS: Final = 1_000
ADDRESS: Final = r"^0x[0-9a-fA-F]{40}$"


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


class EpochsParams(Paged):
    """Which epochs."""

    state = serializers.ChoiceField(choices=STATES, required=False, help_text="Only those in this state.")
    from_ms = moment_field("Only those that end after this.")
    to_ms = moment_field("Only those that start before this.")


class SessionsParams(Paged):
    """Which sessions."""

    epoch = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1, help_text="Only of this epoch.")
    kind = serializers.ChoiceField(choices=KIND_CHOICES, required=False, help_text="Only of this kind.")
    from_ms = moment_field("Only those that end after this.")
    to_ms = moment_field("Only those that start before this.")


class ClaimsParams(Paged):
    """Which collections."""

    account = serializers.RegexField(ADDRESS, required=False, help_text="Only of this account.")
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
    by = serializers.ChoiceField(
        choices=[(each, each) for each in ("five_minutes", "session", "epoch")], required=False,
        default="five_minutes", help_text="What a row is over.",
    )  # fmt: skip
    from_ms = moment_field("Only rows that end after this.")
    to_ms = moment_field("Only rows that start before this.")


class MomentParams(Params):
    """Which moment."""

    at_ms = moment_field("The moment; without it, the newest that is known.")


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
