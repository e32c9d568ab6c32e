"""How a maker comes in: requests, the signatures of its quoting addresses, what changed later, and sanctions lists."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.fields import AddressField


class Enrolment(models.Model):
    """Somebody asks for a maker to be enrolled; an operator decides. What was accepted then is kept word by word."""

    class State(models.TextChoices):
        """How far the request has come; only an open one changes."""

        OPEN = "open", "Waits for review"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    slug = models.SlugField(help_text="The id that the maker is to have in the evidence.")
    name = models.CharField(max_length=80)
    contact = models.CharField(max_length=200, help_text="How the operator reaches the maker.")
    region = models.CharField(max_length=2, help_text="Where the maker is established, ISO 3166-1.")
    payout_account = AddressField(help_text="Gets all of the maker's pay until its admin names others.")
    terms_version = models.CharField(max_length=40)
    terms_text = models.TextField(help_text="The text that was accepted, with the regions that were excluded then.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="enrolments")
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    decided_by = models.CharField(max_length=150, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why it was decided so.")
    since_ms = models.BigIntegerField(null=True, help_text="From which epoch's start the maker counts.")
    maker = models.ForeignKey("accounts.Maker", null=True, on_delete=models.PROTECT, related_name="enrolments")

    class Meta:
        ordering: ClassVar = ["-asked_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug"], condition=models.Q(state="open"), name="enrolment_slug_open_once"),
            models.UniqueConstraint(
                fields=["asked_by"], condition=models.Q(state="open"), name="enrolment_one_open_a_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.state}"


class QuotingProof(models.Model):
    """A signature by which an address says for which maker it quotes; kept with the exact text that was signed."""

    address = AddressField()
    slug = models.SlugField(help_text="The maker that the text names.")
    enrolment = models.ForeignKey(Enrolment, null=True, on_delete=models.PROTECT, related_name="proofs")
    is_claim = models.BooleanField(
        default=False, help_text="Holds the address for an open request, so that no other can have it meanwhile."
    )
    text = models.TextField()
    signature = models.TextField(help_text="0x hex.")
    is_contract = models.BooleanField(help_text="Checked by ERC-1271 on the chain, not by the address's key.")
    chain_id = models.BigIntegerField()
    proven_by = models.CharField(max_length=150)
    proven_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["proven_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["address"], condition=models.Q(is_claim=True), name="quoting_address_claimed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} for {self.slug}"


class MakerChange(models.Model):
    """One change of a maker by a person: who, what and why, in sentences that the maker's members read."""

    maker = models.ForeignKey("accounts.Maker", on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=500)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return str(self.what)


class SanctionsList(models.Model):
    """One version of the list of accounts that may not be paid; versions stay, the newest one counts for payment."""

    sha256 = models.CharField(max_length=64, help_text="Of the file as it was loaded.")
    source = models.CharField(max_length=300)
    as_of = models.DateField(help_text="The day that the list says it is of.")
    since_ms = models.BigIntegerField(
        help_text="Keeps addresses out of epochs that start at or after this time (ms, UTC)."
    )
    loaded_by = models.CharField(max_length=150)
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.source} of {self.as_of}"


class SanctionedAddress(models.Model):
    """One account on one version of the list."""

    list = models.ForeignKey(SanctionsList, on_delete=models.CASCADE, related_name="entries")
    address = AddressField()
    name = models.CharField(max_length=200, help_text="Whose it is, by the list.")

    class Meta:
        ordering: ClassVar = ["list", "address"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["list", "address"], name="sanctioned_address_once_a_list"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.name}"
