"""A fake of a Snowflake account behind the SQL API, for the demo, the tests and the benchmarks.

No emulator checks key-pair tokens, bills warehouses or has ACCOUNT_USAGE. This fake answers according to
the documentation and to recorded replies of a live account. /fake/truth has what an exporter must count. It
was not compared with a live Snowflake account.
"""
