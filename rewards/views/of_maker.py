"""Who may open a maker's pages: its members, and those who review or audit all."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.models import Maker
from rewards.views import access

P = ParamSpec("P")


def maker_or_404(*, slug: str) -> Maker:
    """Return the maker of this slug; a 404 page when there is none."""
    who = Maker.objects.filter(slug=slug).first()
    if who is None:
        raise Http404(f"There is no maker called {slug}.")
    return who


def refuse_maker(*, request: HttpRequest, maker: Maker) -> HttpResponseBase:
    """Turn away who may not see a maker's pages. Raises PermissionDenied for who has signed in."""
    sentence = f"This scorecard is for members of {maker.name}. What each maker earned stands on the programme’s page."
    return access.refuse(request=request, sentence=sentence)


def of_maker(
    view: Callable[Concatenate[HttpRequest, Maker, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Give a view the maker in the place of its slug, and turn away who may not see it."""

    @wraps(view)
    def answer(request: HttpRequest, /, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        who = maker_or_404(slug=slug)
        if not access.sees_maker(user=request.user, maker=who):
            return refuse_maker(request=request, maker=who)
        return view(request, who, *args, **kwargs)

    return answer
