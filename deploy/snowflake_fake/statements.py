"""Statements: what runs, where, for how long, and how it ends."""

import collections
import json
import re
import uuid

from snowflake_fake import answers, faults, show
from snowflake_fake.catalog import STATEMENTS
from snowflake_fake.protocol import Column, Refusal, Table, no_warehouse, not_authorized, syntax_error
from snowflake_fake.usage import LAYOUTS, readers

ASYNC_AFTER = 45  # seconds after which a request is answered with 202
DEFAULT_TIMEOUT, LONGEST_TIMEOUT = 172800, 604800  # seconds
SELECT_SECONDS, SHOW_SECONDS = 2.0, 0.2  # default durations
NEVER = float("inf")
KEPT = 2000  # statements whose results are kept
VIEW = re.compile(r"\bSNOWFLAKE\s*\.\s*((?:READER_)?ACCOUNT_USAGE|ORGANIZATION_USAGE)\s*\.\s*(\w+)",
                  re.IGNORECASE)
TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|[^;'"/-]+|.""", re.DOTALL)
COMMENTS = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|/\*.*?\*/)", re.DOTALL)
PARAMETERS = set(
    "binary_output_format client_result_chunk_size date_output_format multi_statement_count query_tag "
    "rows_per_resultset time_output_format timestamp_output_format timestamp_ltz_output_format "
    "timestamp_ntz_output_format timestamp_tz_output_format timezone use_cached_result".split())
FIELDS = {"statement", "timeout", "database", "schema", "warehouse", "role", "bindings", "parameters"}
CONSTANTS = {"CURRENT_ACCOUNT()": "FK12345", "CURRENT_VERSION()": "10.20.0",
             "CURRENT_REGION()": "AWS_EU_CENTRAL_1"}


def invalid(message):
    return Refusal(400, "390142", f"Incoming request does not contain a valid payload. {message}")


def strip_comments(text):
    """The text without leading comments."""
    while found := COMMENTS.match(text):
        text = text[found.end():]
    return text.strip()


def split(text):
    """The statements of a text. A semicolon in a literal or a comment does not end one."""
    found = [""]
    for token in TOKENS.findall(text):
        if token == ";":
            found.append("")
        else:
            found[-1] += token
    return [each for each in found if strip_comments(each)]


class Asked:
    """The checked body of a request. Raises Refusal."""

    def __init__(self, user, body):
        try:
            body = json.loads(body)
        except ValueError:
            raise invalid("It is not JSON.") from None
        if not isinstance(body, dict) or not isinstance(body.get("statement"), str):
            raise invalid("It has no statement.")
        self.text, self.parameters = body["statement"], body.get("parameters", {})
        self.bindings = body.get("bindings", {})
        if not isinstance(self.parameters, dict) or not isinstance(self.bindings, dict):
            raise invalid("Parameters and bindings are not objects.")
        unknown = set(body) - FIELDS | set(self.parameters) - PARAMETERS
        if unknown:
            raise invalid(f"It has unknown fields: {', '.join(sorted(unknown))}.")
        self.count = self.number("multi_statement_count", 1)  # number of statements
        self.most_rows = self.number("rows_per_resultset", 0) or None
        self.timeout = body.get("timeout", DEFAULT_TIMEOUT)
        if not isinstance(self.timeout, int) or isinstance(self.timeout, bool) or self.timeout < 0:
            raise invalid("The timeout is not a number of seconds.")
        self.timeout = self.timeout or LONGEST_TIMEOUT
        self.role = body.get("role", user.roles[0])
        self.warehouse, self.database = body.get("warehouse", user.warehouse), body.get("database")
        self.tag = str(self.parameters.get("query_tag", ""))

    def number(self, parameter, default):
        found = str(self.parameters.get(parameter, default))
        if not re.fullmatch(r"\d+", found):
            raise invalid(f"The parameter {parameter} is not a number.")
        return int(found)

    def is_in_utc(self):
        """Whether days and hours are those of the views, for a statement that reads any."""
        return not VIEW.search(self.text) or self.parameters.get("timezone") in ("UTC", "Etc/UTC")

    def name(self, text=None):
        """The name of a statement: from its query tag, or else its first words."""
        try:
            tag = json.loads(self.tag)
            if tag["app"] == answers.APPLICATION:
                return str(tag["statement"])
        except (ValueError, KeyError, TypeError):
            pass
        words = strip_comments(self.text if text is None else text).upper().replace(";", " ").split()
        kinds = [kind for kind in show.ROWS if words[1:1 + len(kind.split())] == kind.split()]
        return f"SHOW {kinds[0]}" if words[:1] == ["SHOW"] and kinds else (words or [""])[0]

    def check_bindings(self):
        for each in self.bindings.values():
            if each.get("type") == "FIXED" and not re.fullmatch(r"-?\d+", str(each.get("value"))):
                raise Refusal(422, "100037", "Bind variable value is not FIXED.", "22018")


class Statement:
    """An executed statement: running, succeeded, failed or cancelled."""

    def __init__(self, request_id, asked, user, text, handle, now):
        self.request_id, self.asked, self.user = request_id, asked, user
        self.text, self.handle = text, handle
        self.name, self.created = asked.name(text), now
        self.state, self.table, self.failure = "running", None, None
        self.warehouse, self.query = None, None
        self.polls = 0  # number of further replies with 202; None: always
        self.ready = now  # when it ends
        self.is_nullable, self.children = True, []

    def fields(self):
        """The columns of its row in QUERY_HISTORY that are known from the start."""
        return {"QUERY_ID": self.handle, "QUERY_TEXT": self.text, "QUERY_TAG": self.asked.tag,
                "USER_NAME": self.user.name, "ROLE_NAME": self.asked.role,
                "QUERY_TYPE": "SHOW" if self.name.startswith("SHOW") else "SELECT"}


class Statements:
    """All statements of the account; `answer(name, text, now)` computes the results of named statements."""

    def __init__(self, account, made_up, answer=None):
        self.account, self.faults = account, made_up
        self.answer = answer or (
            lambda name, text, now: answers.answer(STATEMENTS, name, account.usage, text, now))
        self.by_handle, self.by_request = collections.OrderedDict(), {}
        self.repeated = 0  # requests that were answered with the result of an earlier one

    def submit(self, user, request_id, is_retry, is_async, asked):
        """Executes the request, unless it repeats one that has succeeded. Raises Refusal."""
        known = self.by_request.get(request_id)
        if is_retry and known and known.state == "succeeded":
            self.repeated += 1
            return known
        if asked.role not in user.roles or asked.role not in self.account.roles:
            # The status is not documented.
            raise Refusal(403, "390189", f"Role '{asked.role}' specified in the connect string does not "
                                         "exist or not authorized.")
        asked.check_bindings()
        texts = split(asked.text)
        wanted = asked.count
        if wanted not in (0, max(1, len(texts))):
            raise Refusal(422, "000008", f"Actual statement count {len(texts)} did not match the desired "
                                         f"statement count {wanted}.", "0A000")
        if wanted == 1 or len(texts) == 1:
            return self.execute(user, request_id, is_async, asked, asked.text)
        return self.execute_all(user, request_id, asked, texts)

    def execute_all(self, user, request_id, asked, texts):
        """Executes several statements of one request, which needs a warehouse even if none of them does."""
        self.warehouse(asked)
        parent = self.make(request_id, asked, user, asked.text)
        for number, text in enumerate(texts):
            child = self.execute(user, str(uuid.uuid4()), False, asked, text)
            parent.children.append(child)
            if child.failure:
                parent.state, parent.failure = "failed", Refusal(
                    422, "100132", "JavaScript execution error: Uncaught Execution of multiple statements "
                                   f"failed on statement {number + 1}: {child.failure.message}", "P0000")
                return parent
        parent.state = "succeeded"
        parent.table = Table([Column("multiple statement execution", "text")],
                             [["Multiple statements executed successfully."]])
        return parent

    def make(self, request_id, asked, user, text):
        statement = Statement(request_id, asked, user, text, self.account.query_id(), self.account.now)
        self.by_handle[statement.handle] = self.by_request[request_id] = statement
        while len(self.by_handle) > KEPT:
            _, gone = self.by_handle.popitem(last=False)
            if self.by_request.get(gone.request_id) is gone:
                del self.by_request[gone.request_id]
        return statement

    def execute(self, user, request_id, is_async, asked, text):
        """Counts the statement and starts it."""
        statement = self.make(request_id, asked, user, text)
        self.account.executions[statement.name] += 1
        self.account.tags[asked.tag] += 1
        try:
            self.start(statement)
        except Refusal as refusal:
            self.end(statement, self.account.now, "failed", refusal)
            return statement
        statement.table = statement.table._replace(rows=statement.table.rows[:asked.most_rows])
        self.hold(statement, is_async)
        return statement

    # What a statement does

    def start(self, statement):
        """Compiles the statement and assigns a warehouse, if it needs one. Raises Refusal."""
        text, now = strip_comments(statement.text).rstrip("; \n"), self.account.now
        made_up = self.faults.take("error", statement.name)
        if made_up is not None:
            raise Refusal(422, made_up.get("code", "000904"), made_up.get("message", "SQL compilation error"),
                          made_up.get("sql_state", "42000"))
        first = text.split(None, 1)[0].upper() if text else ""
        role = self.account.roles[statement.asked.role]
        if first == "SHOW":
            statement.table = show.show(self.account, role, text, statement.asked.warehouse,
                                        statement.asked.database)
            other = self.faults.take("columns", statement.name)
            if other is not None:
                statement.table = faults.columns(statement.table, other)
            statement.ready = now + SHOW_SECONDS
        elif first in ("SELECT", "WITH"):
            self.select(statement, role, text)
        elif first == "EXPLAIN":
            self.compile(role, text)
            statement.table = constants("SELECT 'GlobalStats'")
            statement.ready = now + SHOW_SECONDS
        elif first in ("ALTER", "CREATE", "DROP", "GRANT", "USE"):
            raise Refusal(422, "003001", "SQL access control error:\nInsufficient privileges to operate on "
                                         "account 'ACCOUNT'.", "42501")
        else:
            raise syntax_error(text)

    def select(self, statement, role, text):
        """A SELECT without a table needs no warehouse; a compilation error resumes none."""
        if not re.search(r"\bFROM\b", text, re.IGNORECASE):
            statement.table = constants(text)
            statement.ready = self.account.now + SHOW_SECONDS
            return
        self.compile(role, text)
        warehouse = self.warehouse(statement.asked)
        statement.table = self.answer(statement.name, text, self.account.now)
        long = self.faults.take("long", statement.name)
        seconds = SELECT_SECONDS if long is None else long.get("seconds", 60)
        statement.warehouse, statement.query = warehouse, warehouse.begin(self.account.now, seconds)
        statement.query.row = statement.fields()
        statement.ready = statement.query.end

    def compile(self, role, text):
        """Raises Refusal if the role may not read a view."""
        for schema, view in VIEW.findall(text.upper()):
            if view not in LAYOUTS or not (role.is_admin or readers(view) & role.readers):
                raise not_authorized(f"SNOWFLAKE.{schema}.{view}")

    def warehouse(self, asked):
        """The warehouse of the session. Raises Refusal."""
        role = self.account.roles[asked.role]
        if asked.warehouse not in self.account.warehouses or not (
                role.is_admin or asked.warehouse in role.warehouses):
            raise no_warehouse()
        return self.account.warehouses[asked.warehouse]

    # How long it takes

    def hold(self, statement, is_async):
        """Ends the statement at once if the reply to the request can have the result; otherwise leaves it running."""
        now, limit = self.account.now, statement.created + statement.asked.timeout
        if self.faults.take("timeout", statement.name) is not None:
            limit = now
        held = self.faults.take("running", statement.name)
        if held is not None:
            statement.polls, statement.ready = held.get("polls"), NEVER
            if statement.query:
                statement.query.end = NEVER
        if is_async or held is not None or min(statement.ready, limit) > now + ASYNC_AFTER:
            if limit < statement.ready:
                self.account.at(limit, self.expire, statement, limit)
            elif held is None:
                self.account.at(statement.ready, self.complete, statement)
        elif limit < statement.ready:
            self.expire(statement, limit)
        else:
            self.end(statement, statement.ready, "succeeded")

    def complete(self, statement):
        """Ends the statement, also if nobody requests its result."""
        if statement.state == "running":
            self.end(statement, statement.ready, "succeeded")

    def expire(self, statement, limit):
        """Ends the statement at its timeout, if it still runs."""
        if statement.state == "running":
            self.end(statement, limit, "failed", Refusal(
                408, "000630", "Statement reached its statement or warehouse timeout of "
                               f"{statement.asked.timeout} second(s) and was canceled.", "57014"))

    def poll(self, handle):
        """The statement after a further request for it. Raises Refusal."""
        statement = self.find(handle)
        if statement.state != "running":
            return statement
        if self.faults.take("busy_poll", statement.name) is not None:
            raise Refusal(429, *faults.TEXTS[429])
        if statement.polls is None:
            return statement
        if statement.polls > 0:
            statement.polls -= 1
            return statement
        now = self.account.now
        statement.ready = now if statement.ready == NEVER else statement.ready
        if statement.ready <= max(now, statement.created + ASYNC_AFTER):
            self.end(statement, statement.ready, "succeeded")
        return statement

    def cancel(self, handle):
        """Cancels the statement. Raises Refusal."""
        statement = self.find(handle)
        if statement.state != "running":
            raise Refusal(422, "000709", f"Statement {handle} not found", "02000")
        self.end(statement, self.account.now, "cancelled",
                 Refusal(422, "000604", "SQL execution canceled", "57014"))
        return statement

    def find(self, handle):
        if handle not in self.by_handle:
            raise Refusal(422, "000709", f"Statement {handle} not found", "02000")
        return self.by_handle[handle]

    def end(self, statement, when, state, failure=None):
        """Records the end of the statement, its cost, and its row in QUERY_HISTORY."""
        statement.state, statement.failure, statement.ready = state, failure, when
        warehouse, query = statement.warehouse, statement.query
        if query:
            warehouse.cancel(query, when)
        fields = statement.fields()
        if failure:
            fields |= {"EXECUTION_STATUS": "FAIL", "ERROR_CODE": int(failure.code),
                       "ERROR_MESSAGE": failure.message}
        self.account.record(statement.created, when, warehouse, query, **fields)


def constants(text):
    """The result of a SELECT of literals and session functions."""
    items = [item.strip() for item in text.split(None, 1)[1].split(",")] if len(text.split()) > 1 else [""]
    values = []
    for item in items:
        if re.fullmatch(r"-?\d+", item):
            values.append(int(item))
        elif re.fullmatch(r"'[^']*'", item):
            values.append(item[1:-1])
        elif item.upper() in CONSTANTS:
            values.append(CONSTANTS[item.upper()])
        else:
            raise Refusal(422, "000904", "SQL compilation error: error line 1 at position 7\ninvalid "
                                         f"identifier '{item}'", "42000")
    return Table([answers.column_of(item, [value]) for item, value in zip(items, values)], [values])
