"""Who gave which role to whom, when and why: rows that are only ever added (a database trigger refuses the rest)."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models


class RoleChange(models.Model):
    """One change of one person's role. Names are copied, so that the row still says who it was if an account goes."""

    at = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="role_changes"
    )
    person_name = models.CharField(max_length=150)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    by_name = models.CharField(max_length=150, help_text="Empty: somebody with a shell on the server.", blank=True)
    role_before = models.CharField(max_length=16)
    role_after = models.CharField(max_length=16)
    reason = models.CharField(max_length=300)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["-at"], name="role_change_at")]

    def __str__(self) -> str:
        return f"{self.person_name}: {self.role_before} to {self.role_after}"

    @property
    def before_label(self) -> str:
        """The role before, in words."""
        return str(get_user_model().Role(self.role_before).label).lower()

    @property
    def after_label(self) -> str:
        """The role after, in words."""
        return str(get_user_model().Role(self.role_after).label).lower()
