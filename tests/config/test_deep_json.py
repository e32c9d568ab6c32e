"""JSON that is nested too deeply ends in an error of the parse, not in the end of the server."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = """
import django; django.setup()
import importlib, json, sys
for name in ("config.urls", "web3", "eth_account", "py_ecc.bls"):
    importlib.import_module(name)
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
try:
    LoginWebAuthnForm.base_fields["credential"].clean("[" * 100_000)
except RecursionError:
    print("refused")
"""


def test_brackets_without_end_in_a_passkey_do_not_end_the_server():
    """In a process of its own: other tests' libraries change the interpreter's limit for themselves."""
    env = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", CODE], cwd=REPOSITORY, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr[-2000:]
