"""One import surface for Airflow 2 and 3; .airflowignore keeps it from being read as a file of DAGs.

The file search skips each file without both words "airflow" and "dag", and says nothing of it.
"""

import datetime
import os
import pathlib

try:
    from airflow.sdk import Asset, BaseOperator, dag, task
except ImportError:
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import dag, task
    from airflow.models.baseoperator import BaseOperator

try:
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
except ImportError:
    from airflow.triggers.temporal import TimeDeltaTrigger

__all__ = ["Asset", "Wait", "dag", "defined", "is_released", "poke", "task"]

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
SIGNS = pathlib.Path(os.environ["AIRFLOW_HOME"])


def defined(dag_id, schedule=None, paused=False, **more):
    """A decorator that makes the DAG."""

    def decorate(function):
        return dag(dag_id=dag_id, schedule=schedule, start_date=START, catchup=False,
                   is_paused_upon_creation=paused, **more)(function)()  # fmt: skip

    return decorate


def is_released():
    """Whether what waits for the test may end."""
    return (SIGNS / "released").exists()


def poke(name):
    """Counts the calls for a name, across processes that follow each other."""
    file = SIGNS / f"pokes-{name}"
    with file.open("a") as text:
        text.write(".")
    return file.stat().st_size


class Wait(BaseOperator):
    """Defers to the triggerer for some seconds."""

    def __init__(self, seconds, **options):
        super().__init__(**options)
        self.seconds = seconds

    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(datetime.timedelta(seconds=self.seconds)), method_name="resume")

    def resume(self, context, event=None):
        return "done"
