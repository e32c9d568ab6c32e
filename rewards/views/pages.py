"""What the views of every audience share: the clock they go by, and how a missing thing becomes a 404."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase

from rewards.errors import NotFoundError
from rewards.selectors.clock import chain_now_ms

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def page_now_ms() -> int:
    """Return the chain's time, or this computer's as long as no block has been read."""
    now_ms = chain_now_ms()
    return int(time.time() * 1000) if now_ms is None else now_ms


def missing_is_404(view: View[P]) -> View[P]:
    """Turn a selector's NotFoundError into a 404 page that shows its sentence."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(str(error)) from error

    return answer
