"""On a machine of one's own a page shows the e-mails that are not sent; anywhere else there is no such page."""

import re

import pytest
from django.core.mail import EmailMessage
from django.test import Client

pytestmark = pytest.mark.django_db
FILES = "django.core.mail.backends.filebased.EmailBackend"


def test_the_code_is_found_on_the_page_and_signs_in(settings, tmp_path):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH, settings.LOCAL_MAIL_DIR = FILES, tmp_path, tmp_path
    client = Client()
    assert "Nothing has been sent yet." in client.get("/mail/").content.decode()
    assert 'href="/mail/"' in client.get("/sign-in/").content.decode()
    client.post("/sign-in/code/", {"email": "ada@example.org"})
    text = client.get("/mail/").content.decode()
    assert "ada@example.org" in text
    code = re.search(r"[A-Z]{4}-[A-Z]{4}", text)[0]
    client.post("/sign-in/code/enter/", {"code": code, "action": "verify"})
    assert client.get("/account/").status_code == 200


def test_the_newest_come_first_and_what_they_say_is_text(settings, tmp_path):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH, settings.LOCAL_MAIL_DIR = FILES, tmp_path, tmp_path
    for number in range(22):
        sent = {"Date": f"Sat, 28 Nov 2026 12:00:{number:02} -0000"}
        EmailMessage(f"Number {number}", "<script>alert(1)</script>", to=["a@example.org"], headers=sent).send()
    text = Client().get("/mail/").content.decode()
    subjects = re.findall(r"<h2>(Number \d+)</h2>", text)
    assert subjects == [f"Number {number}" for number in range(21, 1, -1)]
    assert "&lt;script&gt;alert(1)" in text


def test_where_e_mails_are_sent_no_page_shows_them(settings):
    settings.LOCAL_MAIL_DIR = None
    client = Client()
    assert client.get("/mail/").status_code == 404
    assert "/mail/" not in client.get("/sign-in/").content.decode()
