"""What signing in leaves behind: wallets, nonces, who signed in when and how, and how often somebody tried."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.fields import AddressField


class Wallet(models.Model):
    """A wallet that its owner has proven by a signature. A wallet belongs to one person."""

    address = AddressField(unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wallets")
    is_contract = models.BooleanField(help_text="Its signature was checked by ERC-1271 on the chain, not by its key.")
    linked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["linked_at", "pk"]

    def __str__(self) -> str:
        return str(self.address)


class SignInNonce(models.Model):
    """A number that one signed message may carry once; taking it deletes the row, so that two can't take it."""

    class Purpose(models.TextChoices):
        """What the signature is for; a signature for one is good for nothing else."""

        SIGN_IN = "sign-in", "Sign in"
        LINK = "link", "Link a wallet"
        QUOTE = "quote", "Quote for a maker"

    nonce = models.CharField(primary_key=True, max_length=32)
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    browser = models.CharField(
        max_length=64, help_text="SHA-256 of what alone may use it: a session, or person, maker and address."
    )
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.nonce)


class SignIn(models.Model):
    """One sign-in: who, when, how and from where. `session_key` is empty once its session was ended here."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    at = models.DateTimeField(auto_now_add=True)
    how = models.CharField(
        max_length=80, help_text="“password”, “e-mail code”, “passkey” or a wallet; and what came second."
    )
    from_ip = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True, help_text="What the browser calls itself.")
    session_key = models.CharField(max_length=40, blank=True, db_index=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.person_id} {self.at:%Y-%m-%d %H:%M} {self.how}"


class TryCount(models.Model):
    """How often somebody tried something within one stretch of time; `key` says who and what."""

    key = models.CharField(max_length=200)
    window = models.BigIntegerField(help_text="The number of the stretch since 1970.")
    count = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "window"], name="try_count_once_a_window")]
        indexes: ClassVar = [models.Index(fields=["window"], name="try_count_window")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
