"""A site of its own for pictures and measurements: an embedded database, Django on it, and a server when wanted."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def start(root: Path) -> None:
    """Start a database in the folder and set Django up on it; no chain, no queue, no mail leaves."""
    os.environ.update(
        LAMPLIGHT_DATA_DIR=str(root), DJANGO_SETTINGS_MODULE="config.settings.local", RPC_URLS="http://127.0.0.1:9",
        DATABASE_URL="", CELERY_BROKER_URL="", EMAIL_URL="",
    )  # fmt: skip
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from config import embedded

    logging.disable(logging.CRITICAL)
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    embedded.use(root, with_chain=False)
    call_command("migrate", verbosity=0)


@contextmanager
def served() -> Iterator[str]:
    """Serve the pages as production does, in this process; yields the address."""
    import uvicorn
    from django.core.asgi import get_asgi_application

    from config.embedded.layout import free_port

    port = free_port()
    application = get_asgi_application()
    config = uvicorn.Config(application, port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
