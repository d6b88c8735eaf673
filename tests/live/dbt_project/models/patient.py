import os
import pathlib
import time


def model(dbt, session):
    """Says that it runs and stays so, where it is told to; for at most two minutes."""
    dbt.ref("orders")
    waits = os.environ.get("SHOP_WAITS")
    if waits:
        pathlib.Path(waits).touch()
        time.sleep(120)
    return session.sql("select 1 as one")
