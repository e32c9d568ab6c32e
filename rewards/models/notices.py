"""Notices: what happened that somebody wants to know, who is told, and how each telling went."""

from typing import ClassVar

from django.db import models

from accounts.models import AddressField, Maker, User
from rewards.models.programs import Epoch, Program


class Notice(models.Model):
    """Something that happened, once: `key` names it, so that looking twice tells nobody twice.

    A notice with a `maker` is for that maker, one with an `account` for who collects with it, any other one for the
    treasury.
    """

    class Kind(models.TextChoices):
        """What may happen; the value is the `type` in a webhook."""

        TERMS_WAITING = "terms.waiting", "New terms wait for a second person"
        EPOCH_SCORED = "epoch.scored", "An epoch has been scored"
        EPOCH_RESCORED = "epoch.rescored", "An epoch has been scored again"
        REVIEW_OPEN = "review.open", "An epoch can be looked at and objected to"
        DISPUTE_OPENED = "dispute.opened", "A result is disputed"
        DISPUTE_ANSWERED = "dispute.answered", "Somebody wrote in a dispute"
        DISPUTE_CLOSED = "dispute.closed", "A dispute has ended"
        CORRECTION_WAITING = "correction.waiting", "A correction waits for a second person"
        APPROVAL_NEEDED = "approval.needed", "An epoch waits for the treasury's approval"
        ROOT_ACTIVE = "root.active", "An epoch pays"
        PAID = "epoch.paid", "Your pay of an epoch can be collected"
        UPTIME_LOW = "uptime.low", "Your uptime is below what is needed"
        MARKET_QUARANTINED = "market.quarantined", "A market stands still"
        CLAIM_COLLECTED = "claim.collected", "Money was collected"
        PAY_CHANGED = "pay.changed", "Your maker's pay goes elsewhere"
        PEOPLE_CHANGED = "people.changed", "Who belongs to your maker has changed"
        WEBHOOK_OFF = "webhook.off", "A webhook was switched off"
        TEST = "webhook.test", "A test of a webhook"

    kind = models.CharField(max_length=24, choices=Kind.choices)
    key = models.CharField(max_length=240, unique=True)
    program = models.ForeignKey(Program, null=True, on_delete=models.CASCADE, related_name="notices")
    epoch = models.ForeignKey(Epoch, null=True, on_delete=models.CASCADE, related_name="notices")
    maker = models.ForeignKey(Maker, null=True, on_delete=models.CASCADE, related_name="notices")
    account = AddressField(blank=True, default="")
    data = models.JSONField(help_text="What a webhook carries; amounts are decimal strings of the smallest unit.")
    at = models.DateTimeField(help_text="When it happened, as far as is known; else when it was noticed.")
    noticed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["maker", "-at"]), models.Index(fields=["account", "-at"])]

    def __str__(self) -> str:
        return self.key


class MailChoice(models.Model):
    """A person wants mail of a kind, or does not; without a row they do."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mail_choices")
    kind = models.CharField(max_length=24, choices=Notice.Kind.choices)
    wanted = models.BooleanField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "kind"], name="mail_choice_once")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind} {'yes' if self.wanted else 'no'}"


class WebhookEndpoint(models.Model):
    """Where a maker's, or the treasury's, notices are posted to. The secrets are stored encrypted."""

    maker = models.ForeignKey(
        Maker, null=True, on_delete=models.CASCADE, related_name="webhooks", help_text="Empty: the treasury's."
    )
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list, help_text="Kinds of notices that are posted; empty: all.")
    secret = models.BinaryField(help_text="Encrypted with a key that is derived from SECRET_KEY.")
    former_secret = models.BinaryField(default=b"", help_text="Also signs until `former_until`.")
    former_until = models.DateTimeField(null=True)
    is_on = models.BooleanField(default=True)
    off_reason = models.TextField(blank=True, default="", help_text="Why it was switched off by itself.")
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["maker", "url"], name="webhook_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One telling of a notice: by mail to a person, or by a post to an endpoint. Kept, so that people can look."""

    class State(models.TextChoices):
        """Where it is. A delivery that was killed half-way is WAITING again when its lease is over."""

        WAITING = "waiting", "Waiting"
        DONE = "done", "Delivered"
        FAILED = "failed", "Given up"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(WebhookEndpoint, null=True, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, help_text="Somebody is at it; free again after this.")
    status = models.PositiveSmallIntegerField(null=True, help_text="The newest HTTP status.")
    answer = models.TextField(blank=True, default="", help_text="The beginning of the answer, or what went wrong.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["notice", "person"], condition=models.Q(person__isnull=False), name="mail_once_a_person"
            ),
            models.UniqueConstraint(
                fields=["notice", "endpoint"], condition=models.Q(endpoint__isnull=False), name="post_once_an_endpoint"
            ),
            models.CheckConstraint(
                condition=models.Q(person__isnull=True) ^ models.Q(endpoint__isnull=True), name="delivery_to_one"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=models.Q(state="waiting"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.state}"
