"""Where the audit log stood when an epoch's evidence was made."""

from typing import ClassVar

from django.db import models

from rewards.models.programs import Epoch


class EvidenceHead(models.Model):
    """The head of the audit log that an epoch's manifest names, fixed once for each content that scoring gave.

    Scored again to the same content, the manifest has the same bytes; a correction names the log that holds it.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="evidence_heads")
    content = models.CharField(max_length=66, help_text="Hash of the manifest without the head, 0x hex.")
    sequence = models.BigIntegerField(help_text="Of the newest audit entry then; 0: there was none.")
    hash = models.CharField(max_length=66, help_text="That entry's hash, 0x hex.")
    fixed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "content"], name="evidence_head_once_a_content"),
        ]

    def __str__(self) -> str:
        return f"entry {self.sequence}"
