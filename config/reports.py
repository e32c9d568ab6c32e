"""Reports of errors to Sentry, or a service that speaks its protocol, where SENTRY_DSN is set; imported only then."""

from typing import Any

import sentry_sdk
from sentry_sdk.types import Breadcrumb, Event, Hint

from config.logs.scrubbing import scrubbed_tree


def start(*, dsn: str) -> None:
    """Send what fails from here on: where, with what words, and the reference; nobody's address, form or variables."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_scrub,
        before_breadcrumb=_scrub_crumb,
    )


def _scrub(event: Event, _hint: Hint) -> Event | None:
    request = event.get("request")
    if isinstance(request, dict):
        # What is left says which page it was.
        event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    event.pop("user", None)
    clean: Event = scrubbed_tree(event)
    return clean


def _scrub_crumb(crumb: Breadcrumb, _hint: dict[str, Any]) -> Breadcrumb | None:
    clean: Breadcrumb = scrubbed_tree(crumb)
    return clean
