"""The treasury's approval on a local chain, by the node's own unlocked account: this service never holds that key."""

from django.conf import settings
from django.db import transaction

from accounts.roles import Deed, Person, may
from onchain.distributor import allowance_calldata, approval_call, read_allowance, read_epoch, read_summary
from onchain.errors import RpcRefusedError
from onchain.rpc import RpcClient
from onchain.transactions import revert_reason
from rewards.errors import ApprovalRefusedError, NotAllowedError, ReviewRefusedError
from rewards.models import Epoch
from rewards.selectors.review import approval_hindrance
from rewards.services.checks import approval_is_safe
from rewards.services.review import epoch_approve


def approve_with_local_node(client: RpcClient, *, epoch: Epoch, by: Person) -> str:
    """Let the local chain's node sign the treasury's approval, and the token's allowance before it; returns the hash.

    Only beside the embedded chain (LOCAL_TREASURY_SIGNER). Elsewhere the treasury signs with its own wallet what
    the page shows. by: who presses the button; not who has put the epoch forward.
    Raises NotAllowedError and ApprovalRefusedError.
    """
    if not settings.LOCAL_TREASURY_SIGNER or not may(person=by, deed=Deed.APPROVE_EPOCH):
        raise NotAllowedError(what="Approving from this page", who="a treasurer beside the local chain")
    if epoch.state != Epoch.State.PROPOSED or epoch.chain_epoch is None:
        raise ApprovalRefusedError(number=epoch.number, reason="it does not wait for an approval")
    if (hindrance := approval_hindrance(epoch=epoch, person_id=by.pk)) is not None:
        raise ApprovalRefusedError(number=epoch.number, reason=hindrance)
    if not approval_is_safe(epoch=epoch):
        raise ApprovalRefusedError(number=epoch.number, reason="its checks have not all been made again and passed")
    program = epoch.program
    summary = read_summary(client=client, distributor=program.distributor)
    treasury = summary.treasury
    on_chain = read_epoch(client=client, distributor=program.distributor, epoch=epoch.chain_epoch)
    if (on_chain.state, on_chain.digest) != ("proposed", epoch.digest):
        raise ApprovalRefusedError(number=epoch.number, reason="the chain has another proposal than the one checked")
    if on_chain.attestations < summary.quorum:
        raise ApprovalRefusedError(number=epoch.number, reason="it has too few attestations yet")
    balance, allowance = read_allowance(client=client, token=program.token, owner=treasury, spender=program.distributor)
    needed = epoch.paid_total or 0
    if balance < needed:
        raise ApprovalRefusedError(number=epoch.number, reason="the treasury holds less than the epoch pays")
    call = approval_call(distributor=program.distributor, epoch=epoch.chain_epoch, digest=epoch.digest)
    try:
        # First, so that the database's own guard stands before the money; undone when the chain refuses.
        with transaction.atomic():
            epoch_approve(by=by, epoch=epoch)
            if allowance < needed:
                data = allowance_calldata(spender=program.distributor, amount=needed)
                _send(client, sender=treasury, to=program.token, data=data)
            return _send(client, sender=treasury, to=call.to, data=call.calldata)
    except ReviewRefusedError as error:
        raise ApprovalRefusedError(number=epoch.number, reason=error.reason) from error
    except RpcRefusedError as error:
        raise ApprovalRefusedError(number=epoch.number, reason=revert_reason(error)) from error


def _send(client: RpcClient, *, sender: str, to: str, data: str) -> str:
    return str(client.call(method="eth_sendTransaction", params=[{"from": sender, "to": to, "data": data}]))
