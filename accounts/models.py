"""People and makers: who may sign in, which addresses quote for a maker, and where its pay goes."""

from collections.abc import Iterator
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from accounts.fields import AddressField
from accounts.models_api_keys import ApiKey
from accounts.models_enrolment import Enrolment, MakerChange, QuotingProof, SanctionedAddress, SanctionsList
from accounts.models_payouts import PayoutAccount, PayoutPlan
from accounts.models_roles import RoleChange
from accounts.models_sign_in import SignIn, SignInNonce, TryCount, Wallet

__all__ = [
    "AddressField",
    "ApiKey",
    "Enrolment",
    "Maker",
    "MakerAddress",
    "MakerChange",
    "PayoutAccount",
    "PayoutPlan",
    "QuotingProof",
    "RoleChange",
    "SanctionedAddress",
    "SanctionsList",
    "SignIn",
    "SignInNonce",
    "TryCount",
    "User",
    "Wallet",
]


class User(AbstractUser):
    """A person who signs in. What somebody may do follows from `role` and the makers they belong to."""

    class Role(models.TextChoices):
        """What a person is here for; accounts/roles.py says what each may do. No role is needed to collect."""

        PROVIDER = "provider", "Liquidity provider"
        MAKER = "maker", "Maker member"
        TREASURER = "treasurer", "Treasurer"
        REVIEWER = "reviewer", "Reviewer"
        GUARDIAN = "guardian", "Guardian"
        OPERATOR = "operator", "Operator"
        AUDITOR = "auditor", "Auditor"

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.PROVIDER)
    wallet = AddressField(blank=True, default="", help_text="The account this person collects with.")
    session_generation = models.PositiveIntegerField(default=0, help_text="One more ends every session of the person.")

    @property
    def public_name(self) -> str:
        """The account's name for what everybody reads; a number where the name is an e-mail address."""
        return f"number {self.pk}" if "@" in self.username else self.username

    def get_session_auth_hash(self) -> str:
        """Return what a session must carry to count: it changes with the password and with the generation."""
        return self._session_hash(secret=None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Give the same under each of the former secret keys."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret=secret)

    def _session_hash(self, *, secret: str | bytes | None) -> str:
        content = f"{self.session_generation} {self.password}"
        return salted_hmac("accounts.User.session", content, secret=secret, algorithm="sha256").hexdigest()


class Maker(models.Model):
    """A market maker: one cluster of addresses that scores as one."""

    slug = models.SlugField(unique=True, help_text="The maker's id in the evidence; never changes.")
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(User, related_name="makers", blank=True)
    admins = models.ManyToManyField(
        User, related_name="administered_makers", blank=True, help_text="Members who say who else is one."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class MakerAddress(models.Model):
    """An address that quotes for a maker for some time. At no time does an address belong to two makers."""

    address = AddressField(db_index=True)
    maker = models.ForeignKey(Maker, on_delete=models.PROTECT, related_name="addresses")
    since_ms = models.BigIntegerField(help_text="Counts in epochs that start at or after this time (ms, UTC).")
    until_ms = models.BigIntegerField(
        null=True, help_text="No longer counts in epochs that start at or after this time (ms, UTC); empty: no end."
    )
    proof = models.ForeignKey(QuotingProof, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "maker addresses"
        ordering: ClassVar = ["address", "since_ms"]
        constraints: ClassVar = [
            # Times that have an end are kept apart by a trigger (migration 0004).
            models.UniqueConstraint(
                fields=["address"], condition=models.Q(until_ms__isnull=True), name="address_quotes_for_one_maker"
            ),
            models.CheckConstraint(
                condition=models.Q(until_ms__isnull=True) | models.Q(until_ms__gte=models.F("since_ms")),
                name="address_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)
