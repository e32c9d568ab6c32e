"""Every kind of problem that the API tells of: its code, its status, and in plain words what it means and what to do.

The page /api/problems/, to which the `type` of a problem leads, and the table in docs/api.md say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem; the code never changes and never means anything else."""

    status: int
    title: str
    means: str
    to_do: str


KINDS: Final[Mapping[str, Kind]] = {
    "malformed": Kind(
        400, "The request can't be read", "The request is too large, or its content is not the JSON it says it is.",
        "Mend the request; sent again as it is, it ends the same.",
    ),
    "invalid_parameter": Kind(
        400, "A parameter is not as it must be",
        "A parameter, or a field of the content, is wrong, missing, or not known to this route.",
        "`errors` names each one and says what is wrong with it.",
    ),
    "invalid_cursor": Kind(
        400, "The cursor is not one that this list gave", "Cursors come from `next` of the same list.",
        "Begin again without a cursor.",
    ),
    "sign_in_needed": Kind(
        401, "This needs an API key or a session", "The route shows figures that are not for everybody.",
        "Send `Authorization: Bearer` and your key; make one under Your account, API keys.",
    ),
    "key_refused": Kind(
        401, "The API key is refused", "The key is unknown, revoked or expired, or may not be used from this address.",
        "Look at the key under Your account, API keys, and make a new one if it has ended.",
    ),
    "not_allowed": Kind(
        403, "This is for others", "You may not see or do this, whichever way you ask.",
        "`detail` says for whom it is. Ask an operator if that should be you.",
    ),
    "scope_missing": Kind(
        403, "The API key may not do this", "You may do this, but the key that was sent lacks the scope for it.",
        "Make a key with the scope that `detail` names.",
    ),
    "second_factor_needed": Kind(
        403, "A second factor is needed", "Your role does nothing here without a second factor.",
        "Set one up under Your account; with a session, sign in with it.",
    ),
    "forgery_suspected": Kind(
        403, "The request may come from another site",
        "A request that changes something came with a page's session and without the token that our pages send.",
        "Use an API key, or send the token of the CSRF cookie in `X-CSRFToken`.",
    ),
    "not_found": Kind(
        404, "There is no such thing", "Nothing has this address, or nothing is known of it yet.",
        "Look at the list that it would be in; names are as the lists write them.",
    ),
    "method_not_allowed": Kind(
        405, "The route does not take this method", "Most routes only read.", "The `Allow` header names what it takes."
    ),
    "not_acceptable": Kind(
        406, "The answer is not to be had in this form", "`Accept` asks for a form that the route does not have.",
        "Ask for application/json, or of a list for text/csv or application/vnd.apache.parquet.",
    ),
    "not_available": Kind(
        409, "This can't be worked out at the moment",
        "What it would be made of is not there, such as a moment outside of the epoch or an answer that is awaited.",
        "`detail` says what is missing; ask again when that has changed.",
    ),
    "refused": Kind(
        409, "This can't be done as things are", "A rule of the service stands against it; nothing was changed.",
        "`detail` names the rule and what would satisfy it.",
    ),
    "unsupported_media_type": Kind(
        415, "The request's content has an unknown form", "The content is not JSON, or the route takes none.",
        "Send `Content-Type: application/json` where content is taken, and none elsewhere.",
    ),
    "too_many_requests": Kind(
        429, "Too many requests", "You have asked more often than the limit of your key, person or address allows.",
        "Wait for `Retry-After` seconds. Send the ETag back, and follow live figures with …/live.",
    ),
    "failed": Kind(
        500, "Something went wrong on our side", "It is our fault, and it is noted.",
        "Try again in a while, or tell the operator the `X-Request-ID` of the answer.",
    ),
}  # fmt: skip
