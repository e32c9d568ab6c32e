"""The treasury's Safe: take an owner's signature, and hand out the transaction as Safe's own page imports it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from onchain.errors import OnchainError
from onchain.indexer import node
from rewards.errors import SignatureRefusedError
from rewards.selectors.programs import epoch_get
from rewards.selectors.review import approval_hindrance
from rewards.selectors.safe import safe_transaction
from rewards.services.checks import approval_is_safe
from rewards.services.safe_export import builder_file
from rewards.services.safe_signatures import safe_signature_add
from rewards.views import access
from rewards.views.pages import missing_is_404

_FOR_WHOM = "The treasury’s pages are for treasurers, reviewers, guardians, operators and auditors."
_WHO_SIGNS = "Only treasurers and operators hand in signatures for the Safe."


@require_POST
@missing_is_404
def sign(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Keep an owner's signature, after the Safe itself has said that it is one."""
    if not access.hands_in_safe_signatures(user=request.user):
        return access.refuse(request=request, sentence=_WHO_SIGNS)
    stored = safe_transaction(epoch=epoch_get(slug=program, number=number))
    if stored is None or request.POST.get("safe_tx_hash") != stored.safe_tx_hash:
        messages.error(request, "This transaction changed after you opened the page. Nothing was kept; look again.")
        return redirect("treasury-epoch", program=program, number=number)
    client = node()
    try:
        row = safe_signature_add(
            client,
            by=request.user,
            stored=stored,
            signature=request.POST.get("signature", ""),
            owner=request.POST.get("owner", ""),
        )
    except SignatureRefusedError as error:
        messages.error(request, str(error))
    except OnchainError as error:
        messages.error(request, f"The signature was not taken: {error}")
    else:
        messages.success(request, f"{row.owner} has signed. When enough owners have, the transaction is sent.")
    finally:
        client.close()
    return redirect("treasury-epoch", program=program, number=number)


@require_safe
@missing_is_404
def batch(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Send the transaction as a file for the Transaction Builder."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    stored = safe_transaction(epoch=epoch_get(slug=program, number=number))
    if stored is None or approval_hindrance(epoch=stored.epoch) is not None or not approval_is_safe(epoch=stored.epoch):
        raise Http404("There is no Safe transaction for this epoch now.")
    response = JsonResponse(builder_file(stored=stored))
    response["Content-Disposition"] = f'attachment; filename="{program}-{number}-safe.json"'
    return response
