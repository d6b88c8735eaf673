import os
import pathlib
import time


def model(dbt, session):
    """Says that it runs by a file, where it is told to, and does so until that is taken away; for at
    most two minutes."""
    dbt.ref("orders")
    waits = os.environ.get("SHOP_WAITS")
    if waits:
        pathlib.Path(waits).touch()
        for _ in range(1200):
            if not pathlib.Path(waits).exists():
                break
            time.sleep(0.1)
    return session.sql("select 1 as one")
