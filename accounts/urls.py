"""Addresses of signing in and out, and of one's own account."""

from django.urls import path

from accounts import api_key_views, code_views, factor_views, mail_views, member_views, role_views, views, wallet_views

app_name = "accounts"

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="login"),
    path("sign-in/wallet/message/", wallet_views.sign_in_message, name="wallet-message"),
    path("sign-in/wallet/", wallet_views.sign_in_with_wallet, name="wallet-sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="logout"),
    path("account/", wallet_views.account, name="account"),
    path("account/wallets/message/", wallet_views.link_message, name="link-message"),
    path("account/wallets/", wallet_views.link_wallet, name="link-wallet"),
    path("account/wallets/<str:address>/unlink/", wallet_views.unlink_wallet, name="unlink-wallet"),
    path("account/sessions/<int:number>/end/", wallet_views.end_session, name="end-session"),
    path("account/sessions/end/", wallet_views.end_all_sessions, name="end-all-sessions"),
    path("account/keys/", api_key_views.keys, name="api-keys"),
    path("account/second-factor/", factor_views.second_factor, name="second-factor"),
    path("account/confirm/wallet/", code_views.confirm_with_wallet, name="confirm-wallet"),
    path("roles/", role_views.roles, name="roles"),
    path("mail/", mail_views.local_mail, name="local-mail"),
    path("makers/<slug:slug>/members/", member_views.members, name="members"),
]
