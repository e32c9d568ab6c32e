"""Proof packs as static files: what an account's wallet needs to collect, for anybody to fetch and to keep."""

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseNotModified
from django.views.decorators.http import require_safe

from rewards.models import Epoch
from rewards.selectors.programs import program_get
from rewards.views.pages import missing_is_404

_FRESH_S = 60
"""A new root takes effect with a block: nobody should hold the old file for longer than this."""
_FOREVER_S = 31_536_000


@require_safe
@missing_is_404
def proof(request: HttpRequest, slug: str, account: str) -> HttpResponseBase:
    """Send the pack of the root that pays now."""
    active = program_get(slug=slug).epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
    if active is None:
        raise Http404("Nothing pays yet, so there is nothing to prove.")
    return _send(request, slug=slug, root=active.root, account=account, cache=f"public, max-age={_FRESH_S}")


@require_safe
@missing_is_404
def proof_of_root(request: HttpRequest, slug: str, root: str, account: str) -> HttpResponseBase:
    """Send the pack of one root; its bytes never change."""
    cache = f"public, max-age={_FOREVER_S}, immutable"
    return _send(request, slug=program_get(slug=slug).slug, root=root.lower(), account=account, cache=cache)


def _send(request: HttpRequest, *, slug: str, root: str, account: str, cache: str) -> HttpResponseBase:
    # Slug and root are of a fixed form (the address pattern, the slug of a programme); no path can come of them.
    path = Path(settings.PROOFS_DIR) / slug / root / f"{account}.json"
    etag = f'"{root}"'
    response: HttpResponseBase
    if not path.is_file():
        raise Http404("This account has no part in the root that pays.")
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    else:
        response = FileResponse(path.open("rb"), content_type="application/json")
        # Any page may fetch it: all of it is public, and a wallet's page is not ours.
        response["Access-Control-Allow-Origin"] = "*"
    response["ETag"], response["Cache-Control"] = etag, cache
    return response
