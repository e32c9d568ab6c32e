"""The API's own description, in OpenAPI 3.1: the same for everybody, and made once in a process."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from rewards.api.base import ApiView
from rewards.api.params import read
from rewards.api.renderers import Json


class _AsJson(Json):
    """The description is JSON already."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Hand it on."""
        return bytes(data)


class _AsOpenApi(_AsJson):
    """By the name that OpenAPI has for it."""

    media_type = "application/vnd.oai.openapi+json"


class Description(ApiView):
    """Every route, for tools."""

    renderer_classes: ClassVar = [_AsOpenApi, _AsJson]

    def get(self, request: Request, **path: Any) -> Response:
        """Answer."""
        read(request, self.params)
        return Response(_description())


@cache
def _description() -> bytes:
    described = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return json.dumps(described, ensure_ascii=False, indent=1).encode()
