"""Reads its configuration when it starts and at SIGHUP, and says what it found."""

import json
import os
import signal
import sys


def limit(path):
    with open(path, encoding="utf-8") as file:
        value = json.load(file)["orders"]["limits"]["max-open"]
    if value <= 0:
        raise ValueError(f"max-open must be positive, found {value}")
    return value


def say(*words):
    print("python", os.getpid(), *words, flush=True)


if sys.argv[1] == "--validate":
    limit(sys.argv[2])
    sys.exit()

signal.signal(signal.SIGHUP, lambda *_: say("max-open", limit(sys.argv[1])))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
signal.signal(signal.SIGTERM, lambda *_: (say("leaves"), sys.exit(5)))
say("max-open", limit(sys.argv[1]))
while True:
    signal.pause()
