"""Traces by OpenTelemetry, over HTTP, where OTEL_EXPORTER_OTLP_ENDPOINT is set; imported only then."""

import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from config import spans
from config.logs.scrubbing import scrubbed
from config.routes import route_name

KINDS: Final = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "consumer": SpanKind.CONSUMER,
}


class OpenTelemetry:
    """Sends spans to a collector, a batch every few seconds, in a thread of its own."""

    def __init__(self, *, endpoint: str) -> None:
        ours = Resource({"service.name": "lamplight", "host.name": socket.gethostname()})
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last.
        resource = Resource.create().merge(ours).merge(OTELResourceDetector().detect())
        self.provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("lamplight")

    @contextmanager
    def span(
        self, name: str, *, kind: str, parent: Mapping[str, str], attributes: Mapping[str, spans.Attribute]
    ) -> Iterator[Span]:
        """Open a span. An exception marks it with its kind and its words, without secrets."""
        above = extract(dict(parent)) if parent else None
        with self._tracer.start_as_current_span(
            name, context=above, kind=KINDS[kind], attributes=dict(attributes),
            record_exception=False, set_status_on_exception=False,
        ) as opened:  # fmt: skip
            try:
                yield opened
            except BaseException as error:
                opened.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {scrubbed(str(error))}"))
                raise

    def carry(self, headers: MutableMapping[str, Any]) -> None:
        """Write `traceparent` into headers."""
        inject(headers)


class TracingMiddleware:
    """A span for every request, named by its route; a proxy's `traceparent` is gone on with."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response, self._is_async = get_response, bool(iscoroutinefunction(get_response))
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer inside a span."""
        if self._is_async:
            return self._later(request)
        with _request_span(request) as opened:
            response: HttpResponseBase = self.get_response(request)
            _say(opened, request, response)
        return response

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with _request_span(request) as opened:
            response: HttpResponseBase = await self.get_response(request)
            _say(opened, request, response)
        return response


def _request_span(request: HttpRequest) -> Any:
    parent = {"traceparent": request.headers.get("traceparent", "")}
    facts: dict[str, spans.Attribute] = {"http.request.method": str(request.method)}
    if reference := getattr(request, "request_id", ""):
        facts["lamplight.request_id"] = reference
    return spans.span(str(request.method), kind="server", parent=parent, **facts)


def _say(opened: Span | None, request: HttpRequest, response: HttpResponseBase) -> None:
    if opened is None:
        return
    # The route, never the path: nobody's account or token leaves by it.
    opened.update_name(f"{request.method} {route_name(request)}")
    opened.set_attribute("http.route", route_name(request))
    opened.set_attribute("http.response.status_code", response.status_code)
    if response.status_code >= 500:
        opened.set_status(Status(StatusCode.ERROR))
