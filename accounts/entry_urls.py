"""Those of allauth's pages that we use, under its names and our addresses; sign-up and the rest are not here."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_required
from django.urls import path

from accounts import code_views, factor_views, views, wallet_views
from accounts.throttled import MOST_MAILS_TO_ONE_ADDRESS, pending_address, person, posted_address, tries

_mails = tries("mail", posted_address, most=MOST_MAILS_TO_ONE_ADDRESS)
_codes = tries("code", pending_address)
_seconds = tries("second", person)
_passkeys = tries("passkey", person)
_passwords = tries("confirm", person)
_CONFIRM = "account/confirm/"

urlpatterns = [
    # Where allauth sends people; the pages themselves are ours.
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("account/", wallet_views.account, name="mfa_index"),
    path(
        "sign-in/code/",
        _mails(code_views.RequestCode.as_view()),
        name="account_request_login_code",
    ),
    path("sign-in/code/enter/", _codes(code_views.ConfirmCode.as_view()), name="account_confirm_login_code"),
    path("sign-in/second-factor/", _seconds(factor_views.SecondStep.as_view()), name="mfa_authenticate"),
    path("sign-in/passkey/", _passkeys(factor_views.PasskeySignIn.as_view()), name="mfa_login_webauthn"),
    path(_CONFIRM + "password/", _passwords(account.reauthenticate), name="account_reauthenticate"),
    path(
        _CONFIRM + "code/",
        _mails(account.request_reauthentication_code),
        name="account_request_reauthentication_code",
    ),
    path(
        _CONFIRM + "code/enter/",
        _codes(account.confirm_reauthentication_code),
        name="account_confirm_reauthentication_code",
    ),
    path(_CONFIRM + "second-factor/", _seconds(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(
        _CONFIRM + "passkey/",
        _passkeys(factor_views.ConfirmWithPasskey.as_view()),
        name="mfa_reauthenticate_webauthn",
    ),
    path("account/emails/", _mails(code_views.Emails.as_view()), name="account_email"),
    path("account/emails/enter/", _codes(account.email_verification_sent), name="account_email_verification_sent"),
    path("account/passkeys/add/", _passkeys(factor_views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", factor_views.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path("account/app/add/", login_required(_seconds(totp.activate_totp)), name="mfa_activate_totp"),
    path("account/app/remove/", login_required(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/recovery-codes.txt", recovery_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]
