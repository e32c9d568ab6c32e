"""Rows of disputes and corrections for page tests."""

import hashlib

from accounts.models import Maker, User
from rewards.models import Correction, Dispute, DisputeFile, DisputeMessage, Epoch
from rewards.services.correction_kinds import KINDS

TEXT = "Our quotes of the morning are missing."
CSV = b"order,block\n0x12,4815162\n"


def somebody(name: str, role: str) -> User:
    """A person of that name, made when first asked for."""
    return User.objects.get_or_create(username=name, defaults={"role": role})[0]


def member_of(maker: str) -> User:
    """A member of a maker who opens disputes."""
    user = somebody(f"desk of {maker}", User.Role.MAKER)
    Maker.objects.get(slug=maker).members.add(user)
    return user


def make_dispute(epoch: Epoch, *, maker: str = "aurora", text: str = TEXT) -> Dispute:
    """An open dispute with a message and a file."""
    by = member_of(maker)
    dispute = Dispute.objects.create(
        epoch=epoch, maker=Maker.objects.get(slug=maker), revision=1, market="AAPL-PERP", from_ms=epoch.start_ms,
        to_ms=epoch.end_ms, kind=Dispute.Kind.DATA, text=text, opened_by=by,
    )  # fmt: skip
    DisputeMessage.objects.create(dispute=dispute, author=by, text="Please look at the file.")
    DisputeFile.objects.create(
        dispute=dispute, added_by=by, name="orders.csv", content=CSV, size_bytes=len(CSV),
        sha256=hashlib.sha256(CSV).hexdigest(),
    )  # fmt: skip
    return dispute


def make_correction(epoch: Epoch, *, dispute: Dispute | None = None) -> Correction:
    """A correction that waits for a second person."""
    data = KINDS["link"].checked(epoch=epoch, given={"addresses": "0x" + "ab" * 20, "maker": "aurora"})
    return Correction.objects.create(
        epoch=epoch, dispute=dispute, kind="link", data=data, reason="The enrolment named the wrong maker.",
        entered_by=somebody("first pair of eyes", User.Role.REVIEWER),
    )  # fmt: skip
