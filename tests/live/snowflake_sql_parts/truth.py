"""The expected results of statements, computed from the same rows without SQL: the common functions."""


def within(rows, column, window):
    """The rows whose time is in the window, without its end."""
    low, high = (bound * 1000 for bound in window.seconds)
    return [row for row in rows if row[column] is not None and low <= row[column] < high]


def of_days(rows, column, window, days_of):
    """The rows whose day is in the window; without an end, from its start on."""
    bounds = [days_of(day) for day in window.days]
    return [row for row in rows if bounds[0] <= row[column] and (len(bounds) == 1 or row[column] < bounds[1])]


def second(time):
    return None if time is None else time // 1000


def epoch(day):
    return day * 86_400


def label(column, change=str):
    """The value of a column as a label; empty for NULL."""
    return lambda row: "" if row[column] is None else change(row[column])


def lower(column):
    return label(column, str.lower)


def bucket(column, step):
    return lambda row: row[column] // 1000 // step * step


def seconds_between(start, end):
    """The whole seconds between two times, as DATEDIFF counts them; None if one is unknown."""
    return lambda row: None if None in (row[start], row[end]) else second(row[end]) - second(row[start])


def milliseconds_between(start, end):
    return lambda row: None if None in (row[start], row[end]) else row[end] - row[start]


def at_least_0(measure):
    return lambda row: max(0, measure(row) or 0)


def total(measure):
    """The sum of a column or of a function of a row; unknown values add nothing."""
    of = measure if callable(measure) else lambda row: row[measure]
    return lambda rows: sum(of(row) or 0 for row in rows)


def count_if(condition=lambda _: True):
    return lambda rows: sum(1 for row in rows if condition(row))


def at_most(measure, bound):
    """The number of rows with a known value of at most `bound`."""
    def is_within(row):
        value = row[measure] if isinstance(measure, str) else measure(row)
        return value is not None and value <= bound

    return count_if(is_within)


def newest(column):
    return lambda rows: max((second(row[column]) for row in rows if row[column] is not None), default=None)


def oldest(column):
    return lambda rows: min((second(row[column]) for row in rows if row[column] is not None), default=None)


def add_up(rows, by, **values):
    """Groups the rows by all of `by`, and computes each of the values for each group."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(of(row) for of in by.values()), []).append(row)
    return [dict(zip(by, key, strict=True)) | {name: of(group) for name, of in values.items()}
            for key, group in groups.items()]  # fmt: skip


def last_of_each(rows, key, order):
    """The last row of each key in an order without ties."""
    found = {}
    for row in sorted(rows, key=order):
        found[tuple(row[column] for column in key)] = row
    return list(found.values())
