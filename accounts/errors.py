"""What can go wrong with people and makers: one tree, each a plain sentence with its values."""

from typing import ClassVar


class AccountsError(Exception):
    """Base of the errors of accounts. `retryable`: the same call may work later."""

    retryable: ClassVar[bool] = False


class AddressTakenError(AccountsError):
    """An address quotes for one maker only."""

    def __init__(self, *, address: str, maker: str) -> None:
        self.address, self.maker = address, maker
        super().__init__(f"{address} quotes for the maker {maker} already. Remove it there first.")


class PayoutSharesError(AccountsError):
    """The shares of a maker's payout accounts do not make a whole."""

    def __init__(self, *, maker: str, total_ppm: int) -> None:
        self.maker, self.total_ppm = maker, total_ppm
        super().__init__(
            f"The payout accounts of {maker} must differ, each with a share of at least 1 ppm, and sum to "
            f"1,000,000 ppm; they sum to {total_ppm:,}."
        )


class NotPermittedError(AccountsError):
    """The person's role does not allow it. `what` is the deed, `who` the people that may do it."""

    def __init__(self, *, what: str, who: str) -> None:
        self.what, self.who = what, who
        super().__init__(f"{what} is for {who}. Sign in as one of them, or ask an operator for the role.")


class SecondFactorNeededError(NotPermittedError):
    """The role allows it, but not without a second factor."""

    def __init__(self, *, what: str) -> None:
        AccountsError.__init__(
            self, f"{what} needs a second factor. Set up a passkey or an authenticator app under Your account."
        )
        self.what, self.who = what, "people with a second factor"


class OwnRoleError(AccountsError):
    """Nobody changes their own role."""

    def __init__(self) -> None:
        super().__init__("You can't change your own role. Ask another operator.")


class OperatorExistsError(AccountsError):
    """The server's shell makes the first operator only; the next ones are made by an operator."""

    def __init__(self, *, person: str) -> None:
        self.person = person
        super().__init__(f"There is an operator already: {person}. Operators give further roles on the page Roles.")


class RoleReasonError(AccountsError):
    """A role is given for a reason, which stays on record."""

    def __init__(self, *, most: int) -> None:
        self.most = most
        super().__init__(f"Say why the role changes, in 1 to {most} characters. The reason stays on record.")


class MemberConflictError(AccountsError):
    """Whoever decides on pay, or watches over it, belongs to no maker."""

    def __init__(self, *, person: str, role: str) -> None:
        self.person, self.role = person, role
        super().__init__(
            f"{person} can't be a {role} and belong to a maker at once: that would be judging their own pay. "
            "Use another account for one of the two."
        )


class NotMemberError(AccountsError):
    """The person does not belong to the maker."""

    def __init__(self, *, person: str, maker: str) -> None:
        self.person, self.maker = person, maker
        super().__init__(f"{person} is no member of {maker}. Add them first.")


class LastAdminError(AccountsError):
    """Without this admin nobody of the maker could say who belongs to it."""

    def __init__(self, *, person: str, maker: str) -> None:
        self.person, self.maker = person, maker
        super().__init__(f"{person} is the only admin of {maker}. Name another admin first.")


# --- signing in with a wallet -----------------------------------------------------------------------------------


class SignInError(AccountsError):
    """A signature does not sign anybody in; the sentence says what to do."""


class MalformedMessageError(SignInError):
    """The signed text is no EIP-4361 message. `where` names its part, `rule` says what it must be."""

    def __init__(self, *, where: str, rule: str) -> None:
        self.where, self.rule = where, rule
        super().__init__(f"The signed message can't be read: {where} must be {rule}. Ask for a new one.")


class MismatchedMessageError(SignInError):
    """A part of the signed message is not what this service asked for."""

    part: ClassVar[str]

    def __init__(self, *, given: str, wanted: str) -> None:
        self.given, self.wanted = given, wanted
        super().__init__(
            f"The signed message has the {self.part} {given}; here it is {wanted}. "
            "Sign only what this page asks your wallet to sign."
        )


class WrongDomainError(MismatchedMessageError):
    """The message was signed for another site."""

    part = "site"


class WrongUriError(MismatchedMessageError):
    """The message was signed for another page."""

    part = "page"


class WrongChainError(MismatchedMessageError):
    """The message was signed for another chain."""

    part = "chain"


class WrongStatementError(MismatchedMessageError):
    """The message was signed for another purpose: a sign-in links no wallet, and the reverse."""

    part = "purpose"


class MessageExpiredError(SignInError):
    """The message's time is over."""

    def __init__(self, *, expired_at: str) -> None:
        self.expired_at = expired_at
        super().__init__(f"This message expired at {expired_at}. Ask for a new one, and sign it in time.")


class MessageNotYetValidError(SignInError):
    """The message's time has not come."""

    def __init__(self, *, valid_from: str) -> None:
        self.valid_from = valid_from
        super().__init__(f"This message counts from {valid_from} on, which is still to come. Ask for a new one.")


class MessageLifetimeError(SignInError):
    """The message has no expiry, or one that is too far off."""

    def __init__(self, *, most_s: int) -> None:
        self.most_s = most_s
        super().__init__(
            f"The message must expire, at most {most_s // 60} minutes after it was issued. Ask for a new one."
        )


class NonceRefusedError(SignInError):
    """The message's nonce is unknown, used, too old, or was given to another browser or for another purpose."""

    def __init__(self) -> None:
        super().__init__("This message was used already, or was made for another window. Ask for a new one.")


class WrongSignatureError(SignInError):
    """The signature is not the address's."""

    def __init__(self, *, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"The signature is not that of {address}: {reason}. Choose that account in your wallet.")


class WalletCheckUnavailableError(SignInError):
    """The chain could not be asked about a wallet that may be a contract."""

    retryable = True

    def __init__(self, *, address: str) -> None:
        self.address = address
        super().__init__(f"The chain did not answer whether {address} signed this. Try again in a minute.")


class ChainUnknownError(SignInError):
    """No block has been read and no node answers, so no message can name the chain."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("The chain can't be reached, so signing in with a wallet has to wait. Try again in a minute.")


class AccountOffError(SignInError):
    """The wallet's owner is switched off."""

    def __init__(self) -> None:
        super().__init__("This account is switched off. Ask the operator to switch it on again.")


class ThrottledError(SignInError):
    """Too many tries from one place or for one name."""

    retryable = True

    def __init__(self, *, wait_s: int) -> None:
        self.wait_s = wait_s
        minutes = -(-wait_s // 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"Too many tries. Wait {wait}, then try again.")


class WalletTakenError(SignInError):
    """A wallet belongs to one person."""

    def __init__(self, *, address: str) -> None:
        self.address = address
        super().__init__(f"{address} is linked to another account. Unlink it there first.")


class NoSuchWalletError(SignInError):
    """The person has no such wallet."""

    def __init__(self, *, address: str) -> None:
        self.address = address
        super().__init__(f"{address} is not linked to your account.")


class LastWayInError(SignInError):
    """Without this wallet, address or passkey its owner could not sign in any more."""

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(f"{what} is your only way to sign in. Add another one first, then remove this one.")


class RecentSignInNeededError(SignInError):
    """The deed is for somebody who has just shown who they are. `where` is the page that asks."""

    def __init__(self, *, where: str) -> None:
        self.where = where
        super().__init__("Show once more that it is you: your last sign-in is too long ago for this.")


# --- makers coming in, and who may be paid ------------------------------------------------------------------------


class SanctionsFileError(AccountsError):
    """A sanctions file can't be read. `line` counts from 1."""

    def __init__(self, *, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"The sanctions file can't be loaded: line {line}: {reason}. Nothing was changed.")


class EnrolmentFieldError(AccountsError):
    """Something in a request for enrolment is missing or wrong. `field` names it."""

    def __init__(self, *, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


class EnrolmentClosedError(AccountsError):
    """A request that was decided or withdrawn does not change any more."""

    def __init__(self, *, state: str) -> None:
        self.state = state
        super().__init__(f"This request is closed ({state.lower()}). Make a new one to change something.")


class OwnEnrolmentError(AccountsError):
    """Who asked, or proved an address of the maker, does not decide."""

    def __init__(self) -> None:
        super().__init__("You asked for this maker, or one of its addresses is yours. Another operator has to decide.")


class ReasonMissingError(AccountsError):
    """A decision that somebody else has to understand needs a reason."""

    def __init__(self) -> None:
        super().__init__("Say why, in a sentence. The maker reads it.")


class IneligibleError(AccountsError):
    """The maker, or an account, may not take part or be paid. `reasons` are sentences."""

    def __init__(self, *, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))


class NotQuotingError(AccountsError):
    """The address does not quote for the maker."""

    def __init__(self, *, address: str, maker: str) -> None:
        self.address, self.maker = address, maker
        super().__init__(f"{address} does not quote for {maker}, or its end is set already.")


class PayoutAccountError(AccountsError):
    """An account that could never collect what it is paid."""

    def __init__(self, *, account: str) -> None:
        self.account = account
        super().__init__(f"{account} can't collect: it is the token, a distributor or nobody's. Name another account.")


class ApiKeyFieldError(AccountsError):
    """A field of a new API key is not as it must be."""

    def __init__(self, *, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


class ApiKeyUnknownError(AccountsError):
    """The person has no such key, or it has ended."""

    def __init__(self) -> None:
        super().__init__("You have no such key, or it has ended already. Nothing was changed.")


class ApiKeyRefusedError(AccountsError):
    """A request carries a key that is not to be used."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"This API key is refused: {reason[0].lower()}{reason[1:]}.")
