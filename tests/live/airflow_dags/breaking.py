"""An Airflow DAG whose file is broken while the test runs."""

from _compat import defined, task


@defined("breaking")
def breaking():
    @task
    def succeed():
        return 1

    succeed()
