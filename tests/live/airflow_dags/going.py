"""An Airflow DAG whose file is deleted while the test runs."""

from _compat import defined, task


@defined("going")
def going():
    @task
    def succeed():
        return 1

    succeed()
