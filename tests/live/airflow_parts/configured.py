"""The configuration of the exporter, and what follows from it."""

import math
import re

EXCLUDED = "excluded"  # the DAG that is excluded
# Met, missed, for a paused DAG, and for no DAG.
DEADLINES = [
    {"dag_id": "ok", "max_age": "1h"},
    {"dag_id": "fail|scheduled", "max_age": "1h"},
    {"dag_id": "retry", "done_by": "00:00"},
    {"dag_id": "excluded|nowhere", "max_age": "1h"},
]
HOUR, DAY = 3600, 86400


def of_deadline(deadline, dags):
    return [dag for dag in dags if re.fullmatch(deadline["dag_id"], dag["dag_id"])]


def required(dags, now):
    """The time since which each DAG must have succeeded, as a pair of bounds, because it moves."""
    for deadline in DEADLINES:
        since = now - HOUR if "max_age" in deadline else now // DAY * DAY - DAY
        for dag in of_deadline(deadline, dags):
            if not dag["is_paused"] and (not dag["is_stale"] or dag["has_import_errors"]):
                labels = {"dag_id": dag["dag_id"]}
                yield "airflow_dag_required_success_timestamp_seconds", labels, (math.floor(since), since)


def unmatched(dags):
    return sum(not of_deadline(deadline, dags) for deadline in DEADLINES)
