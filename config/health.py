"""`python -I config/health.py web | process`: what a container asks to learn whether it is alive; 0 yes, 1 no, and why.

A program by itself: it imports nothing of the service, so asking costs a few hundredths of a second. `web` asks the
web server on this machine for /healthz. `process` looks at the sign of life that worker, beat and follower renew
(config/life.py). Neither asks the database or the queue: a container that starts again does not mend those.
"""

import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

WEB_PORT = 8000
TIMEOUT_S = 4.0


def web_trouble(*, port: int, host_name: str) -> str | None:
    """Return what is wrong with the web server at `port` of this machine, None when it answers."""
    line = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        line.request("GET", "/healthz", headers={"Host": host_name})
        status = line.getresponse().status
    except (OSError, HTTPException) as error:
        return f"The web server at port {port} does not answer: {error or type(error).__name__}."
    finally:
        line.close()
    return None if status == 200 else f"The web server answers {status} to /healthz."


def process_trouble(*, path: str, now_s: float) -> str | None:
    """Return what is wrong with the sign of life at `path`, None while it counts; now_s: by time.monotonic."""
    try:
        until_s = float(Path(path).read_text())
    except OSError as error:
        return f"There is no sign of life in {path}: {error.strerror}. The process has not begun its work yet."
    except ValueError:
        return f"{path} holds no sign of life."
    return None if now_s <= until_s else f"The last sign of life is {now_s - until_s:,.0f} seconds overdue."


def main(argv: list[str]) -> int:
    """Ask once."""
    if argv[1:] not in (["web"], ["process"]):
        print("Say `health.py web` or `health.py process`.", file=sys.stderr)
        return 2
    if argv[1] == "web":
        host_name = os.environ.get("ALLOWED_HOSTS", "").partition(",")[0] or "localhost"
        trouble = web_trouble(port=int(os.environ.get("HEALTH_PORT") or WEB_PORT), host_name=host_name)
    else:
        trouble = process_trouble(path=os.environ.get("LIFE_FILE", ""), now_s=time.monotonic())
    print(trouble or "alive")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
