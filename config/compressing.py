"""Pages travel compressed, except those that show a secret: a length must not tell what is in it."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

from config.front import takes_gzip

WORTH_IT = ("text/html", "application/json", "text/csv")
"""Files under evidence, archives and streams go as they are: their bytes are checked, or have to arrive at once."""
SECRETS = {
    *("mfa_activate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "accounts:local-mail"),
    *("webhook", "maker-webhooks", "treasury-webhooks"),
}
"""Pages that show a key or a code, by name. Any other answer can ask for the same with `Cache-Control: no-store`."""


SHORTEST_BYTES = 1000
"""Shorter answers fit into one packet anyway, and the random bytes that Django adds decide whether packing pays."""


class Gzip(GZipMiddleware):
    """Django's own, for those alone who unpack: it packs whenever gzip is named, also with `q=0`."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Pack what is worth it."""
        given = request.headers.get("Accept-Encoding", "").encode("latin-1", "replace")
        is_short = isinstance(response, HttpResponse) and len(response.content) < SHORTEST_BYTES
        if not is_short and takes_gzip({b"accept-encoding": given}):
            return super().process_response(request, response)
        patch_vary_headers(response, ("Accept-Encoding",))
        return response


class CompressionMiddleware(Gzip):
    """Django's own, for whole pages without secrets.

    BREACH reads a secret from the lengths of many compressed answers that repeat the attacker's text. Here a page of
    somebody's own has two secrets at most: the form token, which Django masks anew in every answer, and those of
    `SECRETS`, which are not compressed. The session's cookie is not sent with requests that other sites make in the
    background (SameSite), and Django adds up to 100 random bytes to each answer.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress what is worth it and safe."""
        return super().process_response(request, response) if _may(request, response) else response


def _may(request: HttpRequest, response: HttpResponseBase) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if response.streaming or kind not in WORTH_IT or "no-store" in response.headers.get("Cache-Control", ""):
        return False
    return request.resolver_match is None or request.resolver_match.view_name not in SECRETS
