"""Waits for slow actions of Airflow without using much CPU."""

import time

BOUND = 600  # seconds before the test gives up; the machine may be slow and busy
PAUSE = 0.5


def poll(condition, what):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + BOUND
    while not (result := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(PAUSE)
    return result
