"""What can go wrong in the services and selectors of rewards: one tree, each a plain sentence with its values."""

from collections.abc import Sequence
from typing import ClassVar

from rewards.engine.errors import JsonError


class RewardsError(Exception):
    """Base of every error that rewards raises outside its engine. `retryable`: the same call may work later."""

    retryable: ClassVar[bool] = False


class NotFoundError(RewardsError):
    """Nothing of this kind has this name."""

    def __init__(self, *, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"There is no {kind} called {name}.")


class ReasonNeededError(RewardsError):
    """Somebody who reads it later has to understand why."""

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(f"{what} needs a reason: say why, in a sentence.")


class ProgramConflictError(RewardsError):
    """A programme of that name exists and is another one."""

    def __init__(self, *, program: str, field: str, stored: object, given: object) -> None:
        self.program, self.field = program, field
        super().__init__(f"The programme {program} has the {field} {stored}, not {given}. Choose another name for it.")


class EpochConflictError(RewardsError):
    """An epoch can't be scheduled beside what is there."""

    def __init__(self, *, number: int, reason: str) -> None:
        self.number, self.reason = number, reason
        super().__init__(f"Epoch {number} can't be scheduled: {reason}.")


class EpochStateError(RewardsError):
    """An epoch is past the state in which this can be done."""

    def __init__(self, *, number: int, state: str) -> None:
        self.number, self.state = number, state
        super().__init__(f"Epoch {number} can't be scored again: it is on the chain ({state}).")


class VaultRefusedError(RewardsError):
    """A vault can't be named like this."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The vault was not named: {reason}.")


class NotYetError(RewardsError):
    """Something has to happen first; later it will have."""

    retryable = True

    def __init__(self, *, what: str, waits_for: str) -> None:
        self.what, self.waits_for = what, waits_for
        super().__init__(f"{what} waits for {waits_for}.")


class NotWrittenError(RewardsError):
    """The disk takes nothing; once it does again, the same call works. `setting` names the folder."""

    retryable = True

    def __init__(self, *, what: str, setting: str, reason: str, is_full: bool) -> None:
        self.what, self.setting, self.reason, self.is_full = what, setting, reason, is_full
        super().__init__(
            f"The disk is full: {setting} has no room for {what}. Make room there, or move {setting} to a larger disk;"
            " it is tried again by itself."
            if is_full
            else f"{setting} does not take {what}: {reason}. Put the folder right; it is tried again by itself."
        )


class NotAllowedError(RewardsError):
    """The person may not do this, or it can't be done here."""

    def __init__(self, *, what: str, who: str) -> None:
        self.what, self.who = what, who
        super().__init__(f"{what} is for {who}.")


class ApprovalRefusedError(RewardsError):
    """An epoch can't be approved now."""

    def __init__(self, *, number: int, reason: str) -> None:
        self.number, self.reason = number, reason
        super().__init__(f"Epoch {number} was not approved: {reason}.")


class NothingToCollectError(RewardsError):
    """An account has nothing that it could collect now."""

    def __init__(self, *, account: str) -> None:
        self.account = account
        super().__init__(f"{account} has nothing to collect now. New rewards are added when an epoch is approved.")


class TooManyRequestsError(RewardsError):
    """An account has been collected for as often as one account may be in a day."""

    retryable = True

    def __init__(self, *, account: str) -> None:
        self.account = account
        super().__init__(
            f"{account} was collected for as often as is free in a day. It can collect by itself at any time."
        )


class CheckNotWaivableError(RewardsError):
    """A check that no person's word can stand for, or a word that says nothing."""

    def __init__(self, *, code: str) -> None:
        self.code = code
        super().__init__(f"The check {code} can't be waived: put right what it found, and score the epoch again.")


class SignatureRefusedError(RewardsError):
    """A signature of a Safe transaction is not an owner's, or comes too late."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The signature was not taken: {reason}.")


class AttestationRefusedError(RewardsError):
    """A recomputation does not come to what is proposed, so it is not attested."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Nothing was attested: {reason}.")


class WebhookUrlError(RewardsError):
    """Notices can't be posted to this address."""

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"Nothing can be posted to {url}: {reason}.")


class WebhookConflictError(RewardsError):
    """A webhook can't be added or changed like this."""

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url}: {reason}.")


class PostFailedError(RewardsError):
    """A post got no answer; later it may."""

    retryable = True

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SecretUnreadableError(RewardsError):
    """A stored secret was encrypted with another SECRET_KEY."""

    def __init__(self) -> None:
        super().__init__(
            "This webhook's secret was encrypted with another SECRET_KEY. Give the webhook a new secret on its page, "
            "or name the former key in SECRET_KEY_FALLBACKS."
        )


class TermsInvalidError(RewardsError):
    """Terms break the specification; `problems` says where and how, all of it."""

    def __init__(self, *, problems: Sequence[JsonError]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"The terms have {count} mistake{'' if count == 1 else 's'}: {self.problems[0]}")


class TermsRefusedError(RewardsError):
    """A step of a version of the terms that can't be taken now, or not by this person."""

    def __init__(self, *, number: int, what: str, reason: str) -> None:
        self.number, self.what, self.reason = number, what, reason
        super().__init__(f"Terms {number} were not {what}: {reason}.")


class ProgramRefusedError(RewardsError):
    """A programme can't be opened with what was given; `field` is the entry to mend."""

    def __init__(self, *, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


class ReviewRefusedError(RewardsError):
    """A step of an epoch's review can't be taken now, or lacks its reason."""

    def __init__(self, *, number: int, reason: str) -> None:
        self.number, self.reason = number, reason
        super().__init__(f"Nothing was decided about epoch {number}: {reason}.")


class NotWithheldError(RewardsError):
    """A maker's pay can't be withheld."""

    def __init__(self, *, maker: str, reason: str) -> None:
        self.maker, self.reason = maker, reason
        super().__init__(f"The pay of {maker} was not withheld: {reason}.")


class ActionRefusedError(RewardsError):
    """A market action can't be entered, confirmed or withdrawn."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Nothing was changed: {reason}.")


class DisputeRefusedError(RewardsError):
    """A dispute can't be opened, continued or decided like this."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The dispute was not changed: {reason}.")


class FileRefusedError(RewardsError):
    """A file can't be attached. `name` is as it was given."""

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"The file {name[:60]} was not attached: {reason}.")


class CorrectionRefusedError(RewardsError):
    """A correction can't be entered, confirmed or withdrawn like this."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The correction was not taken: {reason}.")


class PriceFileError(RewardsError):
    """The file of token prices can't be used. `line` counts from 1; 0 is the file as a whole."""

    def __init__(self, *, file: str, line: int, rule: str) -> None:
        self.file, self.line, self.rule = file, line, rule
        super().__init__(f"{file}{f', line {line}' if line else ''}: {rule}.")


class WhatIfRefusedError(RewardsError):
    """A what-if can't be asked, or not be cancelled any more."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Nothing was started: {reason}.")


class WhatIfFailedError(RewardsError):
    """A what-if can't be answered; asking it again as it is would end the same."""

    def __init__(self, *, number: int, reason: str) -> None:
        self.number, self.reason = number, reason
        super().__init__(f"Epoch {number} can't be scored anew: {reason}.")


class RederivationRefusedError(RewardsError):
    """A market can't be derived again."""

    def __init__(self, *, market: str, reason: str) -> None:
        self.market, self.reason = market, reason
        super().__init__(f"Nothing was done to {market}: {reason}.")


class ArchiveError(RewardsError):
    """The archive can't be reached, read or written, or holds something other than what was put there."""

    def __init__(self, *, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}.")
        self.where = where
        self.reason = reason
