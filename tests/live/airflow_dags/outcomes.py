"""Airflow DAGs whose runs end by themselves: in every way that a run and a task can."""

import datetime
import time

from _compat import Asset, Wait, defined, poke, task
from airflow.exceptions import AirflowSkipException

SOON = datetime.timedelta(seconds=1)
TABLE = Asset("demo://warehouse/orders")


@defined("ok", tags=["tag", "team:a"], default_args={"owner": "ann"})
def ok():
    @task
    def succeed():
        return 1

    succeed()


@defined("excluded")
def excluded():
    @task
    def succeed():
        return 1

    succeed()


@defined("fail", tags=["team:b"], default_args={"owner": "bob"})
def fail():
    @task
    def error():
        raise RuntimeError("intended")

    @task
    def after(value):
        return value

    after(error())


@defined("retry")
def retry():
    @task(retries=2, retry_delay=SOON)
    def third_time(ti=None):
        time.sleep(1)
        if ti.try_number < 3:
            raise RuntimeError(f"try {ti.try_number}")

    third_time()


@defined("retry_fail")
def retry_fail():
    @task(retries=1, retry_delay=SOON)
    def never():
        raise RuntimeError("never")

    never()


@defined("skip")
def skip():
    @task
    def skipped():
        raise AirflowSkipException("nothing to do")

    @task
    def behind(value):
        return value

    behind(skipped())


@defined("mapped")
def mapped():
    @task
    def two():
        return [1, 2]

    @task
    def work(i):
        return i

    work.expand(i=two())


@defined("mapped_mixed")
def mapped_mixed():
    @task
    def work(i):
        if i == 2:
            raise RuntimeError("two")
        return i

    work.expand(i=[1, 2])


@defined("mapped_empty")
def mapped_empty():
    @task
    def none():
        return []

    @task
    def work(i):
        return i

    work.expand(i=none())


@defined("deferring")
def deferring():
    Wait(task_id="wait", seconds=3)


@defined("reschedule")
def reschedule():
    @task.sensor(poke_interval=2, timeout=600, mode="reschedule")
    def third_poke(ti=None):
        return poke(ti.run_id) >= 3

    third_poke()


@defined("producer")
def producer():
    @task(outlets=[TABLE])
    def write():
        return 1

    write()


@defined("consumer", schedule=[TABLE])
def consumer():
    @task
    def read():
        return 1

    read()


@defined("дом.ünï-code_1", dag_display_name='He said "hi" \\ to\nall {x="y"}', tags=['q"uote', "back\\slash", "ünï"],
         default_args={"owner": 'o"brien\\, ünï'})  # fmt: skip
def names():
    @task(task_id="задача.1-a")
    def succeed():
        return 1

    succeed()


@defined("scheduled", schedule=datetime.timedelta(seconds=20), max_active_runs=1, tags=["often"])
def scheduled():
    @task
    def tick():
        return 1

    tick()


@defined("paused", schedule="* * * * *", paused=True)
def paused():
    @task
    def tick():
        return 1

    tick()


@defined("daily", schedule="0 3 * * *")
def daily():
    @task
    def tick():
        return 1

    tick()
