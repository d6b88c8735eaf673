"""The HTTP server of the fake: the SQL API, and /fake for tests."""

import gzip
import json
import re
import threading
import urllib.parse
import uuid

from fake_server import Reply, Server
from snowflake_fake import truth
from snowflake_fake.faults import Faults
from snowflake_fake.protocol import Refusal, json_reply
from snowflake_fake.statements import Asked, Statements

PATH = re.compile(r"/api/v2/statements(?:/([^/?]+)(/cancel)?)?")
ROWS_OF_A_PARTITION = 5000


class Fake(Server):
    """Serves an account at the time of the clock."""

    def __init__(self, account, clock, auth, port=0, certificate=None, answer=None, host="127.0.0.1"):
        self.account, self.auth = account, auth
        self.faults = Faults(account.seed)
        self.statements = Statements(account, self.faults, answer)
        self.rows_of_a_partition = ROWS_OF_A_PARTITION
        self.lock = threading.RLock()  # for the account, the faults and the statements
        super().__init__(clock, port, host, certificate)

    def skew(self):
        return self.faults.skew()

    def reply_to(self, method, target, headers, body):
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with self.lock:
            self.account.advance(self.clock.now())
            try:
                if path.startswith("/fake/"):
                    return self.control(method, path, query, body)
                return self.answer(method, path, query, headers, body)
            except Refusal as refusal:
                return refusal.reply()

    # The SQL API

    def answer(self, method, path, query, headers, body):
        found = PATH.fullmatch(path)
        if not found:
            raise Refusal(404, "390404", f"The requested endpoint {path} does not exist.")
        handle, is_cancel = found.groups()
        if method != ("GET" if handle and not is_cancel else "POST"):
            raise Refusal(405, "391405", f"Method {method} is not allowed.")
        self.check_head(method, handle, headers)
        if handle and "nullable" in query:
            raise Refusal(400, "391901", "The parameter nullable is not valid here.")
        user = self.auth.check(headers)
        asked = None if handle else Asked(user, body)
        name = asked.name() if asked else self.name_of(handle)
        self.faults.before(name)
        if asked and not asked.is_in_utc():
            self.auth.note("timezone", f"{name} reads a view without timezone=UTC")
        if is_cancel:
            reply = self.cancelled(self.statements.cancel(handle))
        elif handle:
            reply = self.state(self.statements.poll(handle), query)
        else:
            request_id = read_uuid(query)
            statement = self.statements.submit(user, request_id, query.get("retry") == "true",
                                               query.get("async") == "true", asked)
            statement.is_nullable = query.get("nullable") != "false"
            reply = self.state(statement, query)
        return self.faults.reply(reply, name)

    def check_head(self, method, handle, headers):
        """Raises Refusal if a header is wrong; the codes are not documented."""
        if not re.match(r"[^\s/]+/\S+", headers.get("User-Agent", "")):
            self.auth.note("user agent", "no User-Agent as name/version")
            raise Refusal(400, "391903", "The request has no valid User-Agent.")
        kind = headers.get("Content-Type", "").partition(";")[0].strip()
        if method == "POST" and not handle and kind != "application/json":
            raise Refusal(415, "391415", f"Unsupported Content-Type header {kind or 'null'} is specified.")
        accepted = headers.get("Accept", "")
        if "application/json" not in accepted and "*/*" not in accepted:
            raise Refusal(400, "391902", f"Unsupported Accept header {accepted or 'null'} is specified.")

    def name_of(self, handle):
        statement = self.statements.by_handle.get(handle)
        return statement.name if statement else None

    def state(self, statement, query):
        """The reply with the state of the statement."""
        url = f"/api/v2/statements/{statement.handle}"
        common = {"statementHandle": statement.handle, "createdOn": self.stamp(statement),
                  "statementStatusUrl": f"{url}?requestId={statement.request_id}"}
        if statement.state == "running":
            return json_reply(202, common | {
                "code": "333334", "message": "Asynchronous execution in progress. Use provided query id to "
                                             "perform query monitoring and management."})
        if statement.failure:
            return statement.failure.reply(common)
        if self.faults.take("incomplete", statement.name) is not None:
            return json_reply(200, common | {
                "code": "391908", "sqlState": "00000", "requestId": statement.request_id,
                "message": "The result set is too large and is incomplete.", "data": [],
                "resultSetMetaData": {"numRows": len(statement.table.rows), "format": "jsonv2", "rowType": [],
                                      "partitionInfo": []}})
        return self.partition(statement, query, common)

    def stamp(self, statement):
        return round((statement.created + self.faults.skew()) * 1000)

    def partition(self, statement, query, common):
        """A partition of the result: the first one with all metadata, the others as gzip without it."""
        cells = statement.table.cells(statement.is_nullable)
        size = self.rows_of_a_partition
        parts = [cells[at:at + size] for at in range(0, len(cells), size)] or [[]]
        wanted = query.get("partition", "0")
        if not wanted.isdigit() or int(wanted) >= len(parts):
            raise Refusal(422, "391917", f"There is no partition {wanted}.", "42000")
        number = int(wanted)
        headers = [("Link", link(statement, number, len(parts)))]
        if number:
            body = json.dumps({"data": parts[number]}, ensure_ascii=False).encode()
            return Reply(200, [("Content-Type", "application/json"), ("Content-Encoding", "gzip"), *headers],
                         gzip.compress(body, 1))
        body = {"resultSetMetaData": {
            "numRows": len(cells), "format": "jsonv2",
            "partitionInfo": [describe(part, is_first=part is parts[0]) for part in parts],
            "rowType": [column.row_type() for column in statement.table.columns]},
            "data": parts[0], "code": "090001", "sqlState": "00000", "requestId": statement.request_id,
            "message": "Statement executed successfully."}
        if statement.children:
            body["statementHandles"] = [child.handle for child in statement.children]
        return json_reply(200, body | common, headers)

    @staticmethod
    def cancelled(statement):
        return json_reply(200, {
            "code": "000604", "sqlState": "57014", "message": "SQL execution canceled",
            "statementHandle": statement.handle,
            "statementStatusUrl": f"/api/v2/statements/{statement.handle}?requestId={statement.request_id}"})

    # Not part of Snowflake: for tests

    def control(self, method, path, query, body):
        """GET /fake/health, /fake/log, /fake/truth?since=; POST /fake/faults, /fake/clock."""
        if (method, path) == ("GET", "/fake/health"):
            return json_reply(200, {"now": self.account.now})
        if (method, path) == ("GET", "/fake/log"):
            return json_reply(200, list(self.auth.log))
        if (method, path) == ("GET", "/fake/truth"):
            return json_reply(200, truth.truth(self, float(query.get("since", "-inf"))))
        try:
            if (method, path) == ("POST", "/fake/faults"):
                self.faults.set(json.loads(body))
                return json_reply(200, {})
            if (method, path) == ("POST", "/fake/clock"):
                self.clock.advance(json.loads(body)["advance"])
                self.account.advance(self.clock.now())
                return json_reply(200, {"now": self.account.now})
        except (ValueError, TypeError, KeyError) as error:
            return json_reply(400, {"message": str(error)})
        return json_reply(404, {"message": f"{method} {path} is not a control of the fake"})


def read_uuid(query):
    """The id of the request, or a new id. Raises Refusal."""
    try:
        return str(uuid.UUID(query["requestId"])) if "requestId" in query else str(uuid.uuid4())
    except ValueError:
        raise Refusal(400, "391901", "The requestId is not a UUID.") from None


def describe(part, is_first):
    size = len(json.dumps(part, ensure_ascii=False).encode()) if part else 0
    more = {} if is_first else {"compressedSize": size // 4 + 20}
    return {"rowCount": len(part), "uncompressedSize": size} | more


def link(statement, number, count):
    def one(partition, relation):
        return (f"</api/v2/statements/{statement.handle}?requestId={uuid.uuid4()}&partition={partition}>; "
                f'rel="{relation}"')

    found = [one(0, "first")]
    if number > 0:
        found.append(one(number - 1, "prev"))
    if number + 1 < count:
        found.append(one(number + 1, "next"))
    return ",".join([*found, one(count - 1, "last")])
