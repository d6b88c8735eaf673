"""A fake of Airflow's REST API that lives: for the demo, the tests and the benchmarks.

It serves one version (2.11: /api/v1, 3.3: /api/v2) of a made-up data platform whose runs start, retry,
fail, are cleared and marked, and it knows what an exporter must show of it (/truth). What the real ones do
is in tests/fixtures/airflow; a test compares the rows.
"""
