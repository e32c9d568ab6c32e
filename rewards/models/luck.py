"""What sampling would have paid: the luck that makers were spared, worked out once for each evidence of an epoch."""

from typing import ClassVar

from django.db import models

from rewards.models.programs import Epoch


class SamplingLuck(models.Model):
    """Draws of one evidence of an epoch (rewards.analysis.luck). Feeds nothing, and can be made again."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="sampling_luck")
    manifest_hash = models.CharField(max_length=66, help_text="The evidence that was sampled.")
    draws = models.PositiveIntegerField(default=0)
    makers = models.JSONField(null=True, help_text="See rewards/services/luck.py; null: could not be worked out.")
    note = models.TextField(blank=True, default="", help_text="Why not, in a plain sentence.")
    retry_at = models.DateTimeField(null=True, help_text="What stopped it is not tried again before.")
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "manifest_hash"], name="sampling_luck_once"),
        ]

    def __str__(self) -> str:
        return f"sampling luck of {self.epoch_id}"
