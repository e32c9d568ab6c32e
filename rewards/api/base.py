"""What all routes of the API share: who asks, how often, in which form, and what an answer carries."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.decorators import decorator_from_middleware
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import AccountsError
from accounts.models import Maker, User
from accounts.throttle import WINDOW_S
from config.compressing import Gzip
from rewards.api import errors
from rewards.api.callers import KeyAuthentication, PageSession, seen_maker
from rewards.api.fields import Row
from rewards.api.kept import note_version
from rewards.api.kinds import KINDS
from rewards.api.limits import Allowance, allowance, caller
from rewards.api.negotiating import Conditional, Negotiation
from rewards.api.paging import envelope
from rewards.api.params import Params, read
from rewards.api.renderers import Csv, Json, Parquet
from rewards.api.schema import ApiSchema
from rewards.models import Epoch
from rewards.selectors.clock import chain_now_ms
from rewards.selectors.programs import epoch_get


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A method of a route that changes something: what the schema calls it, what it takes and what it answers."""

    name: str
    summary: str
    row: type[Row]
    status: int
    body: type[Params] | None = None
    costs: int = 1


class ApiView(APIView):  # type: ignore[misc]  # untyped
    """A route. Subclasses say what it answers: `row`, `params`, and `answer`; `writes` names the methods that change
    something, each of which is a method of the class."""

    authentication_classes: ClassVar = [KeyAuthentication, PageSession]
    permission_classes: ClassVar[list[Any]] = []
    throttle_classes: ClassVar[list[Any]] = []
    parser_classes: ClassVar[list[Any]] = []
    renderer_classes: ClassVar = [Json]
    content_negotiation_class = Negotiation
    http_method_names: ClassVar = ["get", "head", "post", "delete"]
    schema = ApiSchema()

    name = ""
    tag = ""
    row: type[Row]
    params: type[Params] = Params
    is_public = True
    is_list = False
    costs = 1
    """How many requests it counts as."""
    may_be_awaited = False
    """Whether it answers 409 while what it shows is still being worked out."""
    writes: ClassVar[Mapping[str, Write]] = {}
    is_kept = False
    """Whether it says nothing but an epoch's figures, so that rewards.api.kept may send it again."""

    def get(self, request: Request, **path: Any) -> Response:
        """Answer."""
        return Response(self.answer(request, read(request, self.params), **path))

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Any:
        """Return what is sent."""
        raise NotImplementedError

    @property
    def allowed_methods(self) -> list[str]:
        """Return the methods that the route takes."""
        return ["GET", "HEAD", *self.writes]

    def get_exception_handler(self) -> Callable[..., HttpResponse | None]:
        """Tell of errors as problem details."""
        return errors.handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks, count the request, settle the form, and turn away who has to sign in."""
        self.format_kwarg = None
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(request.method or "")
        self.perform_authentication(request)
        key, most = caller(request)
        write = self.writes.get(request.method or "")
        for _ in range(write.costs if write else self.costs):
            self.allowance: Allowance | None = allowance(key=key, most=most, now=timezone.now())
        accepted = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = accepted
        if not self.is_public and not isinstance(request.user, User):
            raise NotAuthenticated
        if self.is_kept:
            note_version(request, kwargs)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Add what is left to ask for, and how long the answer may be kept."""
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        found = getattr(self, "allowance", None)
        if found is not None:
            for name, value in found.headers().items():
                answer[name] = value
        if not answer.has_header("Cache-Control"):
            # Kept by whoever likes, but asked for again each time: the ETag makes that cheap.
            answer["Cache-Control"] = "no-cache" if self.is_public else "private, no-cache"
        # Also where this one is too short to be packed: the next may be longer.
        patch_vary_headers(answer, ("Accept", "Accept-Encoding", "Authorization", "Cookie"))
        if answer.status_code == KINDS["too_many_requests"].status:
            left = Allowance(self._most(request), 0, int(answer.headers.get("Retry-After", WINDOW_S)))
            for name, value in left.headers().items():
                answer[name] = value
        return answer

    def _most(self, request: Request) -> int:
        try:
            return caller(request)[1]
        except (AccountsError, APIException):  # whoever could not be found out is anybody
            return int(settings.API_LIMIT_ANYBODY)


class ListView(ApiView):
    """A list, by pages; also as CSV and Parquet."""

    renderer_classes: ClassVar = [Json, Csv, Parquet]
    is_list = True

    def get(self, request: Request, **path: Any) -> Response:
        """Answer a page."""
        rows, cursor = self.answer(request, read(request, self.params), **path)
        page = envelope(request, rows, cursor)
        response = Response(page)
        if page["next"]:
            response["Link"] = f'<{page["next"]}>; rel="next"'
        if request.accepted_renderer.format != "json":
            response["Content-Disposition"] = f'attachment; filename="{self.name}.{request.accepted_renderer.format}"'
        return response

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> tuple[list[dict[str, Any]], str | None]:
        """Return the rows of a page and the cursor of the next one."""
        raise NotImplementedError


def maker_epoch(request: Request, *, maker: str, programme: str, number: int) -> tuple[Maker, Epoch]:
    """Return a maker that the caller may see, and an epoch. Raises NotFoundError, NotPermittedError, ScopeError."""
    return seen_maker(request=request, slug=maker), epoch_get(slug=programme, number=number)


def now_ms() -> int:
    """Return the chain's time, or this computer's as long as no block has been read."""
    found = chain_now_ms()
    return int(time.time() * 1000) if found is None else found


def route(view: type[ApiView]) -> Callable[..., HttpResponseBase]:
    """Return a view as Django calls it: with an ETag of its bytes, weak once they are packed, and 304 for whoever has
    them."""
    answer: Callable[..., HttpResponseBase] = _gzip(_conditional(view.as_view()))
    return answer


_gzip, _conditional = decorator_from_middleware(Gzip), decorator_from_middleware(Conditional)
