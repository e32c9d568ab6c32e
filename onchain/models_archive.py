"""Which parts of the big tables are in the archive, and which of those are there alone."""

from typing import ClassVar

from django.db import models


class ArchivedPartition(models.Model):
    """A partition as a Parquet file in the archive, read back and compared. `dropped_at`: since when it is not here."""

    parent = models.CharField(max_length=40, help_text="The table that it is a part of.")
    number = models.BigIntegerField(help_text="Its number: the first block by the size of a partition.")
    first_block = models.BigIntegerField()
    last_block = models.BigIntegerField()
    url = models.CharField(max_length=500, help_text="Where the file is; carries no secret.")
    rows = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file.")
    size_bytes = models.BigIntegerField(help_text="Of the file.")
    table_bytes = models.BigIntegerField(help_text="Of the partition with its indexes, when it was written out.")
    archived_at = models.DateTimeField(help_text="When it was read back and found the same.")
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["number", "parent"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parent", "number"], name="partition_archived_once"),
        ]

    def __str__(self) -> str:
        return f"{self.parent} {self.number}"
