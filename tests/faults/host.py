"""Runs manage.py commands in forked children, so that a test can kill many without paying for each one's start.

Reads a command a line from standard input, answers with the child's process id; `wait PID` answers its exit status.
"""

import os
import sys

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from onchain.management.commands import backfill  # noqa: F401 - imported before the children are made

    for line in sys.stdin:
        words = line.split()
        if words[0] == "wait":
            _, status = os.waitpid(int(words[1]), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            try:
                call_command(*words, stdout=sys.stderr)
            except BaseException as error:
                print(error, file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
