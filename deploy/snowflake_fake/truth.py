"""What an exporter must show of an account, computed from its events, not from its answers."""

from snowflake_fake.account import CLOUD_CREDITS
from snowflake_fake.answers import END, Request
from snowflake_fake.catalog import COUNTERS
from snowflake_fake.warehouse import HOUR

DAY = 86400


def credits_by_day(warehouse, now):
    """The compute credits by UTC day, whose key is the day's first second."""
    found = {}
    uses = {hour: use[1] for hour, use in warehouse.hours.items()}
    uses[warehouse.closed] = warehouse.used_since(warehouse.closed, whole_end(now), now)[1]
    for hour, credits in uses.items():
        day = hour // DAY * DAY
        found[day] = found.get(day, 0) + credits
    return {str(day): float(credits) for day, credits in found.items() if credits}


def warehouses(account):
    now = account.now
    found = {}
    for name, each in account.warehouses.items():
        seconds, credits = each.used(account.began, whole_end(now), now)
        found[name] = {"resumes": each.resumes, "billed_seconds": seconds, "credits": float(credits),
                       "cloud_credits": float(sum(each.cloud.values())), "is_started": each.is_started(),
                       "credits_by_day": credits_by_day(each, now)}
    return found


def whole_end(now):
    """A time beyond which no part is billed."""
    return int(now // HOUR + 2) * HOUR


def counters(account, since=float("-inf"), seen=END):
    """The sums by labels of what happened from `since` until now, for each statement.

    Each row counts as visible at `seen`; by default, with its last correction.
    """
    found = {}
    for name, statement in COUNTERS.items():
        low = since // statement.width * statement.width if since > float("-inf") else since
        found[name] = [one | {key: float(one[key]) for key in statement.adding()}
                       for one in statement.sums(account.usage, Request(seen, low, account.now))]
    return found


def truth(fake, since):
    """The answer to GET /fake/truth."""
    account = fake.account
    return {"now": account.now, "executions": account.executions, "tags": account.tags,
            "cloud_credits": float(CLOUD_CREDITS * sum(account.executions.values())),
            "repeated": fake.statements.repeated, "faults": fake.faults.counts,
            "warehouses": warehouses(account), "counters": counters(account, since),
            "visible": counters(account, since, account.now)}
