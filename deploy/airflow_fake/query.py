"""The parameters of a request, checked as each version of Airflow checks them."""

import base64
import binascii
import datetime
import json

from airflow_fake.rows import interval_of

RUN_STATES = ("queued", "running", "success", "failed")
TASK_STATES = ("removed", "scheduled", "queued", "running", "success", "restarting", "failed",
               "up_for_retry",
               "up_for_reschedule", "upstream_failed", "skipped", "deferred")
MOST_ROWS = 100  # of one page
ERRORS = "https://airflow.apache.org/docs/apache-airflow/2.11.2/stable-rest-api-ref.html#section/Errors/"
INFINITY = float("inf")


class Refusal(Exception):
    """A reply that is an error or not JSON."""

    def __init__(self, status, body, content_type="application/json", headers=()):
        super().__init__(status)
        self.status, self.headers = status, [("Content-Type", content_type), *headers]
        self.body = body.encode() if isinstance(body, str) else json.dumps(body).encode()


def problem(status, title, detail, kind):
    """An error of Airflow 2, as RFC 7807."""
    url = kind if kind == "about:blank" else ERRORS + kind
    body = {"detail": detail, "status": status, "title": title, "type": url}
    return Refusal(status, json.dumps(body, indent=2) + "\n", "application/problem+json")


def detail(status, text):
    """An error of Airflow 3."""
    return Refusal(status, {"detail": text})


def bad_request(title, text):
    return problem(400, title, text, "BadRequest")


class Query:
    """The parameters of a request to one version."""

    def __init__(self, is_v1, pairs):
        self.is_v1, self.pairs = is_v1, pairs

    def require_known(self, known):
        """Airflow 2 rejects unknown parameters, Airflow 3 ignores them."""
        unknown = sorted({name for name, _ in self.pairs} - set(known))
        if self.is_v1 and unknown:
            raise bad_request(None, f"Extra query parameter(s) {', '.join(unknown)} not in spec")

    def all(self, name):
        return [value for key, value in self.pairs if key == name]

    def one(self, name, default=None):
        values = self.all(name)
        return values[-1] if values else default

    def flag(self, name, default):
        return self.one(name, str(default)).lower() in ("true", "1", "yes")

    def integer(self, name, default):
        text = self.one(name)
        if text is None:
            return default
        if text.lstrip("-").isdigit():
            return int(text)
        if self.is_v1:
            raise bad_request("Bad Request",
                              f"Wrong type, expected 'integer' for query parameter '{name}'")
        raise detail(422, [{"type": "int_parsing", "loc": ["query", name],
                            "msg": "Input should be a valid integer, unable to parse string as an integer",
                            "input": text}])

    def page(self, has_clamp=True):
        """Limit and offset; a limit of None means all rows."""
        limit = self.integer("limit", 100 if self.is_v1 else 50)
        offset = self.integer("offset", 0)
        if not has_clamp:
            return (None if limit < 0 else limit), offset
        if limit < 0 and self.is_v1:
            raise bad_request("Bad Request", "Page limit must be a positive integer")
        if limit < 0:
            raise detail(422, [{"type": "greater_than_equal", "loc": ["query", "limit"],
                                "input": str(limit),
                                "msg": "Input should be greater than or equal to 0", "ctx": {"ge": 0}}])
        if limit == 0 and self.is_v1:
            limit = MOST_ROWS
        return min(limit, MOST_ROWS), offset

    def time(self, name):
        text = self.one(name)
        if text is None:
            return None
        try:
            time = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise self.bad_time(name, text) from None
        if time.tzinfo is None:
            if self.is_v1:
                raise self.bad_time(name, text)
            raise detail(500, {"reason": "Database error", "statement": "hidden", "orig_error": "hidden",
                               "message": "Serious error when handling your request."})
        return time.timestamp()

    def bad_time(self, name, text):
        if self.is_v1:
            return bad_request("Bad Request",
                               f"'{text}' is not a 'date-time'\n\nFailed validating 'format' in schema:\n"
                               "    {'type': 'string', 'format': 'date-time'}\n\n"
                               f"On instance:\n    '{text}'")
        return detail(422, [{"type": "datetime_from_date_parsing", "loc": ["query", name],
                             "msg": "Input should be a valid datetime or date, input is too short",
                             "input": text,
                             "ctx": {"error": "input is too short"}}])

    def ranges(self, fields):
        """The bounds, both inclusive, of each field that has any."""
        found = {}
        for field in fields:
            low, high = self.time(field + "_gte"), self.time(field + "_lte")
            if low is not None or high is not None:
                found[field] = (-INFINITY if low is None else low, INFINITY if high is None else high)
        return found

    def order(self, allowed):
        """The first field to order by and whether it is descending; None without one."""
        text = self.one("order_by")
        if text is None:
            return None
        field = text.removeprefix("-")
        if field not in allowed:
            text = f"Ordering with '{field}' is disallowed or the attribute does not exist on the model"
            raise bad_request("Bad Request", text) if self.is_v1 else detail(400, text)
        return field, text.startswith("-")

    def run_states(self):
        """In Airflow 2 a comma-separated list of any words."""
        states = self.all("state")
        if self.is_v1:
            return {state for text in states for state in text.split(",")}
        if not set(states) <= set(RUN_STATES):
            raise detail(422, f"Invalid value for state. Valid values are {', '.join(RUN_STATES)}")
        return set(states)

    def task_states(self):
        states = self.all("state")
        if set(states) <= {*TASK_STATES, "none", *(() if self.is_v1 else ("no_status", "awaiting_input"))}:
            return {None if state in ("none", "no_status") else state for state in states}
        if self.is_v1:
            raise Refusal(500,
                          "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
                          "    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n",
                          "text/html")
        raise detail(422, "Invalid value for state. Valid values are "
                     + ", ".join([*TASK_STATES, "awaiting_input"]))

    def cursor(self):
        """The key of the last row before the page; None for the first page."""
        text = self.one("cursor")
        if not text:
            return None
        try:
            return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, binascii.Error):
            raise detail(400, "Invalid cursor token") from None


def write_cursor(key):
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


class Wanted:
    """The filter of a request for runs or tasks."""

    def __init__(self, is_v1, states=(), ranges=None, dag_id=None, run_id=None, **others):
        self.is_v1, self.states, self.ranges = is_v1, set(states), ranges or {}
        self.dag_id, self.run_id = dag_id, run_id
        self.others = {name: set(values) for name, values in others.items() if values}  # filters for tasks

    def is_in(self, values, now):
        """In Airflow 3 a missing start or end counts as now."""
        for field, (low, high) in self.ranges.items():
            value = values[field]
            if value is None and not self.is_v1 and field in ("start_date", "end_date"):
                value = now
            if value is None or not low <= value <= high:
                return False
        return True

    def accepts_run(self, run, now):
        look = run.looks.at(now)
        if look is None or (self.states and look.state not in self.states):
            return False
        if self.dag_id not in (None, run.dag.id):
            return False
        return not self.ranges or self.is_in(run_values(run, look), now)

    def accepts_task(self, each, look, now):
        if look is None or (self.states and look.state not in self.states):
            return False
        for name, values in self.others.items():
            if getattr(each.task, {"task_id": "name"}.get(name, name)) not in values:
                return False
        if not self.ranges:
            return True
        return self.is_in(run_values(each.run, look), now)


def run_values(run, look):
    """The fields of a run for which there can be bounds."""
    return {"updated_at": look.updated, "start_date": look.start, "end_date": look.end, "run_after": run.due,
            "logical_date": interval_of(run)[1], "execution_date": run.interval[0]}
