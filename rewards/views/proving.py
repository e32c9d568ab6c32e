"""What the pages share on which somebody proves a quoting address: the text to sign, and the signature handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest
from django.utils import timezone

from accounts.errors import MalformedMessageError
from accounts.quoting import quoting_message
from accounts.sign_in import Asked, checking_node
from accounts.throttle import MOST_FROM_ONE_PLACE, count_try, place_key
from onchain.rpc import RpcClient

T = TypeVar("T")
_MOST_SIGNATURE_CHARS = 2 * 8192 + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What the form shows: nothing yet, or a text to sign. `signature` is what was handed in and not taken."""

    address: str = ""
    message: str = ""
    signature: str = ""


def message_for(request: HttpRequest, *, slug: str) -> Panel:
    """Return the panel with a new text for the address that was asked for. Raises SignInError's kinds."""
    address = request.POST.get("address", "").strip()

    def write(client: RpcClient) -> str:
        return quoting_message(client, by=request.user, asked=asked_of(request), slug=slug, address=address)

    return Panel(address=address, message=with_node(request, write))


def with_node(request: HttpRequest, work: Callable[[RpcClient], T]) -> T:
    """Do something that may ask the chain, counting the try. Raises ThrottledError and what the work raises."""
    place = place_key(ip=request.META.get("REMOTE_ADDR"))
    count_try(key=f"quoting {place}", most=MOST_FROM_ONE_PLACE, now=timezone.now())
    client = checking_node()
    try:
        return work(client)
    finally:
        client.close()


def asked_of(request: HttpRequest) -> Asked:
    """Say where and when the browser asks: texts are for this very page."""
    return Asked(
        domain=request.get_host(),
        scheme=request.scheme or "http",
        uri=request.build_absolute_uri(request.path),
        session_key=request.session.session_key or "",
        now=timezone.now(),
    )


def signed_of(request: HttpRequest) -> tuple[str, bytes]:
    """Return the text and the signature of the form. Raises MalformedMessageError."""
    # Forms carry line ends as CR LF, and what is pasted may end in one; what was signed has LF between lines alone.
    text = request.POST.get("message", "").replace("\r\n", "\n").strip("\n")
    given = "".join(request.POST.get("signature", "").split())
    try:
        if not given.startswith("0x") or len(given) > _MOST_SIGNATURE_CHARS:
            raise ValueError
        return text, bytes.fromhex(given[2:])
    except ValueError as error:
        raise MalformedMessageError(where="the signature", rule="0x and hex digits, at most 8192 bytes") from error


def panel_again(request: HttpRequest) -> Panel:
    """Return the panel as it was sent, so that a slip in the signature costs no new text."""
    text = request.POST.get("message", "").replace("\r\n", "\n").strip("\n")
    return Panel(
        address=request.POST.get("address", ""),
        message=text[:4096],
        signature=request.POST.get("signature", "")[:20_000],
    )
