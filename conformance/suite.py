# The suite's program for CPython 2.7, which ends when its standard input does: it would stay for ever if
# the run that started it were killed.

import os
import sys
import threading


def end_with_stdin():
    sys.stdin.read()
    os._exit(1)


watcher = threading.Thread(target=end_with_stdin)
watcher.daemon = True
watcher.start()

from autobahntestsuite.wstest import run

run()
