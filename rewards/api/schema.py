"""The OpenAPI description, made from what the routes say of themselves, and the page that shows it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from rewards.api.errors import CONTENT_TYPE
from rewards.api.kinds import KINDS
from rewards.api.params import ADDRESS

PATH_TEXT: Final[Mapping[str, str]] = {
    "programme": "The programme's slug.",
    "number": "The epoch's number.",
    "maker": "The maker's slug.",
    "market": "The market's name.",
    "account": "An account on the chain: 0x and 40 hex digits.",
    "what_if": "The what-if's number.",
}
_EVERYWHERE = (400, 405, 406, 429, 500)
LIVE_PATH = "/api/v1/makers/{maker}/programmes/{programme}/epochs/{number}/live"


class ProblemBody(serializers.Serializer):  # type: ignore[misc]  # untyped
    """A problem (RFC 9457)."""

    type = serializers.CharField(help_text="Where the documents say more.")
    title = serializers.CharField(help_text="What kind of problem.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    code = serializers.ChoiceField(choices=[(code, code) for code in KINDS], help_text="Never changes its meaning.")
    detail = serializers.CharField(help_text="What happened and what to do, in a sentence.")
    errors = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()), required=False,
        help_text="Of `invalid_parameter`: each parameter and what is wrong with it.",
    )  # fmt: skip


class ApiSchema(AutoSchema):
    """Reads a view's row, params and whom it is for."""

    def get_operation_id(self) -> str:
        """Return the route's name, or that of what a method changes."""
        write = self._write
        return write.name if write else str(self.view.name)

    @property
    def _write(self) -> Any:
        return self.view.writes.get(self.method)

    def get_tags(self) -> list[str]:
        """Return the audience."""
        return [str(self.view.tag)]

    def get_summary(self) -> str:
        """Return the first sentence of what the view says of itself."""
        return self._write.summary if self._write else (self.view.__doc__ or "").strip().splitlines()[0]

    def get_description(self) -> str:
        """Return all of it."""
        text = getattr(self.view, self.method.lower()).__doc__ if self._write else self.view.__doc__
        return " ".join((text or "").split())

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Say that what is public needs nobody to sign in."""
        found: list[dict[str, list[str]]] = [] if self.view.is_public else super().get_auth()
        return [each for each in found if each]

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters behind the question mark, and those of the path in words."""
        names = [name for name in PATH_TEXT if f"{{{name}}}" in self.path]
        own = [self.view.params] if self.view.params().fields and not self._write else []
        return [*own, *(_path_parameter(name) for name in names)]

    def get_request_serializer(self) -> Any:
        """Return the form of a request's content."""
        return self._write.body() if self._write and self._write.body else None

    def map_parsers(self) -> list[str]:
        """Content is JSON."""
        return ["application/json"]

    def get_response_serializers(self) -> Any:
        """Return the forms of an answer and of its problems."""
        view, write = self.view, self._write
        found: dict[Any, Any] = {(200, "application/json"): view.row}
        if write:
            found = {(write.status, "application/json"): write.row}
        elif view.is_list:
            found = {
                (200, "application/json"): _page(view.row),
                (200, "text/csv"): OpenApiTypes.STR,
                (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
            }
        if not write:
            found[304] = OpenApiResponse(description="Not changed since the ETag of If-None-Match.")
        statuses = [*_EVERYWHERE, 401, 403]
        statuses += [404] if "{" in self.path else []
        statuses += [409] if view.costs > 1 or view.may_be_awaited or write else []
        statuses += [415] if write and write.body else []
        for status in sorted(statuses):
            found[status, CONTENT_TYPE] = OpenApiResponse(ProblemBody, description=_titles(status))
        return found

    def map_renderers(self, attribute: str) -> list[str]:
        """The forms are given with the answers."""
        return ["application/json"]


@cache
def _page(row: type[serializers.Serializer]) -> serializers.Serializer:
    return inline_serializer(
        f"{row.__name__.removesuffix('Row')}Page",
        {
            "items": row(many=True, help_text="The rows."),
            "next": serializers.CharField(allow_null=True, help_text="Address of the next page; null at the end."),
        },
    )


def _path_parameter(name: str) -> OpenApiParameter:
    types: dict[str, Any] = {
        "number": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "account": {"type": "string", "pattern": ADDRESS},
        "what_if": {"type": "integer", "minimum": 1, "maximum": 2**53},
        "market": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    }
    slug = {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$", "maxLength": 64}
    return OpenApiParameter(name, types.get(name, slug), OpenApiParameter.PATH, description=PATH_TEXT[name])


def _titles(status: int) -> str:
    return ", ".join(f"{kind.title} (`{code}`)" for code, kind in KINDS.items() if kind.status == status)


def only_ours(endpoints: list[Any]) -> list[Any]:
    """Leave out what is no route of the API."""
    return [each for each in endpoints if each[0].startswith("/api/v1/") and not each[0].endswith("openapi.json")]


def add_live(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say what content may not have, and add the route of server-sent events, which is no view of DRF's: those can't
    wait without a thread each."""
    # A field that a route does not know is refused, so that one with a wrong name is not overlooked.
    result["components"]["schemas"]["WhatIfBody"]["additionalProperties"] = False
    paths = result["paths"]
    like = next((path for path in paths if path.endswith("/epochs/{number}/standing")), None)
    if like is not None:
        get = paths[like]["get"]
        problems = {status: answer for status, answer in get["responses"].items() if status not in ("200", "304")}
        paths[LIVE_PATH] = {
            "get": {
                "operationId": "live",
                "summary": "A maker's standing, sent whenever it changes.",
                "description": "Server-sent events named `standing`, each with the JSON of the route `standing`, "
                "until the epoch is over. It ends after an hour at the latest; connect again.",
                "tags": get["tags"], "security": get["security"],
                "parameters": [each for each in get["parameters"] if each["in"] == "path"],
                "responses": {
                    "200": {"description": "The events.", "content": {"text/event-stream": {"schema": {
                        "type": "string"}}}},
                    **problems,
                },
            }
        }  # fmt: skip
    return result


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Say of each code what it means and what to do; the `type` of a problem leads here."""
    kinds = [(code, kind, _marked(kind.means), _marked(kind.to_do)) for code, kind in KINDS.items()]
    return render(request, "public/api_problems.html", {"section": "api", "kinds": kinds})


def _marked(text: str) -> SafeString:
    """Show what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in parts)
    )


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the routes, and let people try them; all of it comes from this server, and nothing in it is inline."""
    return render(request, "public/api_docs.html", {"section": "api"})
