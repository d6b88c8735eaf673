"""DAGs whose runs end while the benchmark measures. A run has five tasks, which the scheduler ends
without a worker; in some DAGs one of them runs, and succeeds, fails, is retried or is skipped."""

import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

DAGS = 24
EVERY = datetime.timedelta(seconds=30)


def work(ti=None):
    number = int(ti.dag_id.removeprefix("work_"))
    if number == 1 or (number == 2 and ti.try_number == 1):
        raise AirflowException("as it is to")
    if number == 3:
        raise AirflowSkipException("as it is to")


for number in range(DAGS):
    with DAG(f"work_{number}", schedule=EVERY, start_date=datetime.datetime(2026, 1, 1), catchup=False,
             tags=["bench"], default_args={"owner": "bench"}) as dag:  # fmt: skip
        first = EmptyOperator(task_id="first")
        if number < 4:
            middle = [PythonOperator(task_id="second", python_callable=work, retries=int(number == 2),
                                     retry_delay=datetime.timedelta(seconds=5))]  # fmt: skip
        else:
            middle = [EmptyOperator(task_id="second")]
        middle += [EmptyOperator(task_id=name) for name in ("third", "fourth")]
        first >> middle >> EmptyOperator(task_id="last")
    globals()[dag.dag_id] = dag
