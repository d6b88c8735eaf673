"""A fake of a Snowflake account behind the SQL API that lives: for the demo, the tests and the benchmarks.

No emulator checks key-pair tokens, bills warehouses or has ACCOUNT_USAGE, so this one does. It answers
as the documentation and recorded answers of a live account say, and it knows what an exporter must
count (/fake/truth). No Snowflake was at hand to compare it with.
"""
