"""Airflow DAGs whose runs are in the middle of something until the test lets them end."""

import datetime
import time

from _compat import Wait, defined, is_released, task


@defined("pool_wait")
def pool_wait():
    @task(pool="small")
    def hold(i):
        while not is_released():
            time.sleep(0.5)
        return i

    hold.expand(i=[1, 2])


@defined("deferred")
def deferred():
    Wait(task_id="wait", seconds=86400, pool="counts_deferred")


@defined("rescheduled")
def rescheduled():
    @task.sensor(poke_interval=86400, timeout=864000, mode="reschedule")
    def one_poke_a_day():
        return False

    one_poke_a_day()


@defined("retry_later")
def retry_later():
    @task(retries=1, retry_delay=datetime.timedelta(days=1))
    def once_a_day():
        raise RuntimeError("intended")

    once_a_day()


@defined("one_at_a_time", max_active_runs=1)
def one_at_a_time():
    @task(pool="no_such_pool")
    def wait_for_ever():
        return 1

    wait_for_ever()
