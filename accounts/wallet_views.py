"""What the wallet's script on the sign-in page and on one's account asks for, and the page of one's account."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors, sign_in
from accounts.errors import MalformedMessageError, RecentSignInNeededError, SignInError, ThrottledError
from accounts.models import User
from accounts.roles import NEED_SECOND_FACTOR, may_ask_for_enrolment
from accounts.second_factor import showed_recently_who_they_are
from accounts.throttle import MOST_FROM_ONE_PLACE, count_try, place_key
from onchain.rpc import RpcClient

TOO_MANY, BAD, TRY_LATER, NOT_NOW = 429, 400, 503, 403
_MOST_SIGNATURE_CHARS = 2 * 8192 + 2
View = Callable[[HttpRequest, RpcClient], dict[str, Any]]


def wallet_call(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Give the view a node, count the try, and answer in JSON; an error is {"error": its sentence}."""

    @never_cache
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        client = sign_in.checking_node()
        try:
            place = place_key(ip=request.META.get("REMOTE_ADDR"))
            count_try(key=f"{view.__name__} {place}", most=MOST_FROM_ONE_PLACE, now=timezone.now())
            return JsonResponse(view(request, client))
        except RecentSignInNeededError as error:
            return JsonResponse({"error": str(error), "next": error.where}, status=NOT_NOW)
        except SignInError as error:
            status = TOO_MANY if isinstance(error, ThrottledError) else TRY_LATER if error.retryable else BAD
            return JsonResponse({"error": str(error)}, status=status)
        finally:
            client.close()

    return answer


@wallet_call
def sign_in_message(request: HttpRequest, client: RpcClient) -> dict[str, Any]:
    """Return the message that the wallet signs to sign in."""
    if request.session.session_key is None:
        # The nonce is for this browser, and the session is what tells it from others.
        request.session.create()
    text = sign_in.message_issue(client, asked=_asked(request), address=request.POST.get("address", ""))
    return {"message": text}


@wallet_call
def sign_in_with_wallet(request: HttpRequest, client: RpcClient) -> dict[str, Any]:
    """Sign the wallet's owner in, and say where to go next."""
    text, signature = _signed(request)
    wallet = sign_in.wallet_sign_in(client, asked=_asked(request), text=text, signature=signature)
    if request.user.is_authenticated:
        # Nothing of one person's session goes over into another's.
        logout(request)
    record_authentication(request, wallet.owner, "wallet", address=wallet.address)
    # A wallet is one factor: who has set up a second one is led to it.
    answer = perform_login(request, Login(user=wallet.owner, redirect_url=_next(request)))
    return {"next": answer["Location"]}


@login_required
@wallet_call
def link_message(request: HttpRequest, client: RpcClient) -> dict[str, Any]:
    """Return the message that a wallet signs to be linked to the person."""
    _require_recent_proof(request)
    address = request.POST.get("address", "")
    return {"message": sign_in.message_issue(client, asked=_asked(request), address=address, person=_person(request))}


@login_required
@wallet_call
def link_wallet(request: HttpRequest, client: RpcClient) -> dict[str, Any]:
    """Link the wallet that signed, and mail a notice of it."""
    _require_recent_proof(request)
    text, signature = _signed(request)
    wallet = sign_in.wallet_link(client, asked=_asked(request), person=_person(request), text=text, signature=signature)
    get_adapter().send_notification_mail("account/email/wallet_linked", _person(request), {"address": wallet.address})
    messages.success(request, f"{wallet.address} is linked. It can sign in to this account from now on.")
    return {"next": reverse("accounts:account")}


@require_POST
@login_required
def unlink_wallet(request: HttpRequest, address: str) -> HttpResponseBase:
    """Take one of the person's wallets away."""
    try:
        _require_recent_proof(request)
        sign_in.wallet_unlink(person=_person(request), address=address)
    except RecentSignInNeededError as error:
        return redirect(error.where)
    except SignInError as error:
        messages.error(request, str(error))
    else:
        get_adapter().send_notification_mail("account/email/wallet_unlinked", _person(request), {"address": address})
        messages.success(request, f"{address} is no longer linked. It can't sign in to this account any more.")
    return redirect("accounts:account")


@require_POST
@login_required
def end_session(request: HttpRequest, number: int) -> HttpResponseBase:
    """End the session that one of the person's sign-ins began."""
    sign_in.session_end(person=_person(request), sign_in=number)
    return redirect("accounts:account")


@require_POST
@login_required
def end_all_sessions(request: HttpRequest) -> HttpResponseBase:
    """Sign the person out everywhere."""
    sign_in.sessions_end_all(person=_person(request))
    request.session.flush()
    return redirect("accounts:login")


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show one's own ways in, second factors, open sessions and last sign-ins."""
    person = _person(request)
    factors = selectors.factors_of(person=person)
    context = {
        "emails": selectors.emails_of(person=person),
        "factors": factors,
        # Where the settings ask for one, who lacks it does not get to this page.
        "factor_would_be_needed": person.role in NEED_SECOND_FACTOR and not factors.any,
        "wallets": selectors.wallets_of(person=person),
        "sessions": selectors.open_sessions(person=person, session_key=request.session.session_key, now=timezone.now()),
        "managed": selectors.makers_managed(person=person),
        "log": selectors.sign_in_log(person=person),
        "asks_for_makers": may_ask_for_enrolment(person=person),
    }
    return render(request, "accounts/account.html", context)


def _require_recent_proof(request: HttpRequest) -> None:
    """Raise RecentSignInNeededError, with the page that asks again, unless the person has just shown who they are."""
    person = _person(request)
    if showed_recently_who_they_are(request, person=person):
        return
    methods = get_adapter().get_reauthentication_methods(person)
    where = methods[0]["url"] if methods else reverse("accounts:login")
    raise RecentSignInNeededError(where=f"{where}?{urlencode({'next': reverse('accounts:account')})}")


def _asked(request: HttpRequest) -> sign_in.Asked:
    return sign_in.Asked(
        # ALLOWED_HOSTS has been checked: another site's name does not get this far.
        domain=request.get_host(),
        scheme=request.scheme or "http",
        uri=request.build_absolute_uri(reverse("accounts:login")),
        session_key=request.session.session_key or "",
        now=timezone.now(),
    )


def _signed(request: HttpRequest) -> tuple[str, bytes]:
    text, signature = request.POST.get("message", ""), request.POST.get("signature", "")
    # Forms carry line ends as CR LF; what the wallet signed has LF, and no CR is allowed anywhere in it.
    text = text.replace("\r\n", "\n")
    try:
        if not signature.startswith("0x") or len(signature) > _MOST_SIGNATURE_CHARS:
            raise ValueError
        return text, bytes.fromhex(signature[2:])
    except ValueError as error:
        raise MalformedMessageError(where="the signature", rule="0x and hex digits, at most 8192 bytes") from error


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    here = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=here, require_https=request.is_secure())
    return wanted if wanted and safe else resolve_url("home")


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
