"""A fake of Airflow's REST API for the demo, the tests and the benchmarks.

It serves one version (2.11: /api/v1, 3.3: /api/v2) of a made-up data platform whose runs start, retry,
fail, are cleared and marked while time passes. /truth has what an exporter must show of it. How real
Airflows behave is recorded in tests/fixtures/airflow; a test compares the rows.
"""
