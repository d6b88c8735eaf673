"""An Airflow file of DAGs that cannot be imported."""

raise ImportError('intended: "quoted" ünï')
