"""Which evidence is in the archive."""

from typing import ClassVar

from django.db import models


class ArchivedEvidence(models.Model):
    """A folder of evidence whose files are in the archive, read back and compared with the manifest."""

    evidence_name = models.CharField(max_length=200, unique=True)
    url = models.CharField(max_length=500, help_text="The folder in the archive; carries no secret.")
    manifest_hash = models.CharField(max_length=66, help_text="Of manifest.json, 0x hex; that names all other files.")
    size_bytes = models.BigIntegerField()
    archived_at = models.DateTimeField(help_text="When it was read back and found the same.")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.evidence_name
