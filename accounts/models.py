"""People and makers: who may sign in, which addresses quote for a maker, and where its pay goes."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

address_validator = RegexValidator(r"^0x[0-9a-f]{40}$", "An address is 0x and 40 lower-case hex digits.")


class AddressField(models.CharField):  # type: ignore[type-arg]
    """An account on the chain, stored as lower-case hex so that equal addresses are equal text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 42)
        super().__init__(*args, **kwargs)
        self.validators.append(address_validator)

    def get_prep_value(self, value: object) -> object:
        """Lower the case on the way into the database; None stays None."""
        prepared = super().get_prep_value(value)
        return prepared.lower() if isinstance(prepared, str) else prepared


class User(AbstractUser):
    """A person who signs in. What somebody may do follows from `role` and the makers they belong to."""

    class Role(models.TextChoices):
        """What a person is here for; anybody may look at public pages and collect without signing in."""

        PROVIDER = "provider", "Liquidity provider"
        MAKER = "maker", "Maker member"
        TREASURER = "treasurer", "Treasurer"
        OPERATOR = "operator", "Operator"

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.PROVIDER)
    wallet = AddressField(blank=True, default="", help_text="The account this person collects with.")


class Maker(models.Model):
    """A market maker: one cluster of addresses that scores as one."""

    slug = models.SlugField(unique=True, help_text="The maker's id in the evidence; never changes.")
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(User, related_name="makers", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class MakerAddress(models.Model):
    """An address that quotes for a maker. An address belongs to one maker only."""

    address = AddressField(unique=True)
    maker = models.ForeignKey(Maker, on_delete=models.PROTECT, related_name="addresses")
    since_ms = models.BigIntegerField(help_text="Counts in epochs that start at or after this time (ms, UTC).")

    class Meta:
        ordering: ClassVar = ["address"]

    def __str__(self) -> str:
        return str(self.address)


class PayoutAccount(models.Model):
    """One account that receives a share of a maker's pay, in parts per million; the first gets the dust."""

    maker = models.ForeignKey(Maker, on_delete=models.CASCADE, related_name="payout_accounts")
    position = models.PositiveSmallIntegerField()
    account = AddressField()
    share_ppm = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1_000_000)])

    class Meta:
        ordering: ClassVar = ["maker", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["maker", "position"], name="payout_position_once"),
            models.UniqueConstraint(fields=["maker", "account"], name="payout_account_once_a_maker"),
            models.CheckConstraint(
                condition=models.Q(share_ppm__gte=1, share_ppm__lte=1_000_000), name="payout_share_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maker_id}: {self.account} {self.share_ppm} ppm"
