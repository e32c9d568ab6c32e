"""Keys by which a person's programs use the API; what is stored of one can't be turned back into it."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """One key. It may read what its scopes name and its person may see at that moment; with one scope it asks for
    what-ifs, which pay nobody. It changes nothing else."""

    class Scope(models.TextChoices):
        """What a key may do beside reading what everybody may."""

        OWN = "read:own", "Figures of the makers that you belong to"
        WEBHOOKS = "read:webhooks", "The list of the webhooks that you look after"
        ALL = "read:all", "Figures of every maker"
        WHAT_IFS = "ask:what-ifs", "Ask what other terms would have paid, read the answer, and cancel it"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80, help_text="What it is for, in the person's own words.")
    prefix = models.CharField(max_length=12, unique=True, help_text="The key's public part: names it, proves nothing.")
    digest = models.CharField(max_length=64, help_text="HMAC-SHA256 of the secret part, by a key of the settings.")
    former_digest = models.CharField(max_length=64, blank=True, default="", help_text="Also counts until then:")
    former_until = models.DateTimeField(null=True)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list, help_text="CIDR networks that it may be used from; empty: any.")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To a few minutes.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-made_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(digest=""), name="api_key_has_a_digest"),
            models.CheckConstraint(
                condition=models.Q(former_digest="", former_until=None)
                | (~models.Q(former_digest="") & models.Q(former_until__isnull=False)),
                name="api_key_former_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"

    def is_open(self, *, now: datetime) -> bool:
        """Whether it can be used: neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at
