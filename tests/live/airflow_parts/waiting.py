"""Waiting for what takes Airflow seconds, without taking the processor from it."""

import time

BOUND = 600  # seconds until what does not come is given up; the machine may be slow and busy
PAUSE = 0.5


def poll(condition, what):
    """Calls condition() until it gives something true, and returns that."""
    end = time.monotonic() + BOUND
    while not (result := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(PAUSE)
    return result
