"""Shared by the tests of the fake Snowflake: keys, a client, and a fake whose time does not pass."""

import base64
import contextlib
import gzip
import http.client
import json
import subprocess
import sys
import unittest

import support

sys.path.insert(0, str(support.SOURCE / "deploy"))
from fake_server import Clock  # noqa: E402
from snowflake_fake import objects  # noqa: E402
from snowflake_fake.account import Account  # noqa: E402
from snowflake_fake.auth import TYPE_HEADER, Auth, User  # noqa: E402
from snowflake_fake.catalog import STATEMENTS  # noqa: E402
from snowflake_fake.server import Fake  # noqa: E402

ACCOUNT, USER = "DEMO-ACCOUNT", "EXPORTER"
NOW = 1_795_850_000.0
MINUTE, HOUR, DAY = 60, 3600, 86400
WAREHOUSE, ROLE = objects.EXPORTER_WAREHOUSE, objects.EXPORTER_ROLE
KINDS = ("WAREHOUSES", "RESOURCE MONITORS", "PIPES IN ACCOUNT", "DYNAMIC TABLES IN ACCOUNT LIMIT 10000",
         "TASKS IN ACCOUNT LIMIT 10000", "REPLICATION GROUPS", "DATABASES LIMIT 10000")


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A key pair. It signs with openssl, whose code the fake does not use for checking."""

    def __init__(self, folder, name, bits=2048):
        self.path = folder / f"{name}.p8"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-out", self.path)
        self.public = openssl("pkey", "-in", self.path, "-pubout").decode()
        der = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        digest = openssl("dgst", "-sha256", "-binary", given=der)
        self.fingerprint = "SHA256:" + base64.b64encode(digest).decode()

    def sign(self, data, digest="-sha256"):
        return openssl("dgst", digest, "-sign", self.path, given=data)

    def token(self, now, user=USER, digest="-sha256", head=None, **changed):
        """A valid token, except for what is changed."""
        claims = {"iss": f"{ACCOUNT}.{user}.{self.fingerprint}", "sub": f"{ACCOUNT}.{user}",
                  "iat": int(now), "exp": int(now) + 3540} | changed
        parts = (head or {"alg": "RS256", "typ": "JWT"}, claims)
        signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{encoded(self.sign(signed.encode(), digest))}"


def openssl(*arguments, given=b""):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True,
                          timeout=support.START).stdout


def bearer(token, kind="KEYPAIR_JWT"):
    return {"Authorization": f"Bearer {token}", TYPE_HEADER: kind}


class Reply:
    """A reply of the fake."""

    def __init__(self, reply):
        self.status, self.headers, self.raw = reply.status, reply.headers, reply.read()
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.body = gzip.decompress(self.raw) if packed else self.raw

    def json(self):
        return json.loads(self.body)

    def rows(self):
        """The rows as dictionaries by column."""
        body = self.json()
        names = [column["name"] for column in body["resultSetMetaData"]["rowType"]]
        return [dict(zip(names, row)) for row in body["data"]]


class Client:
    """Sends requests to a fake with a programmatic access token."""

    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "test/1"}

    def __init__(self, fake, token="pat-1"):
        self.fake, self.token = fake, token

    def ask(self, method, target, body=None, **changed):
        """The reply to a request; a header that is None is omitted."""
        headers = self.headers | bearer(self.token, "PROGRAMMATIC_ACCESS_TOKEN") | {
            name.replace("_", "-"): value for name, value in changed.items()}
        headers = {name: value for name, value in headers.items() if value is not None}
        written = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.fake.server_port,
                                                           timeout=support.START)) as connection:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(written or b"")))
            connection.endheaders(written)
            return Reply(connection.getresponse())

    def post(self, statement, query="", **fields):
        return self.ask("POST", f"/api/v2/statements{query}", {"statement": statement} | fields)

    def get(self, handle, query=""):
        return self.ask("GET", f"/api/v2/statements/{handle}{query}")

    def named(self, name, low=NOW - DAY, high=NOW, **fields):
        """The reply to one of the exporter's statements, with a text like the shipped one."""
        tag = json.dumps({"app": "snowflake_exporter", "statement": name})
        text = (f"SELECT 1 FROM SNOWFLAKE.ACCOUNT_USAGE.{STATEMENTS[name].view} WHERE T >= "
                f"TO_TIMESTAMP_LTZ({low:.0f}) AND T < TO_TIMESTAMP_LTZ({high:.0f})")
        parameters = {"query_tag": tag, "timezone": "UTC"}
        return self.post(text, fields.pop("query", ""), parameters=parameters, **fields)

    def truth(self):
        return self.ask("GET", "/fake/truth").json()

    def billed(self):
        """The seconds for which the exporter's warehouse was billed."""
        return self.truth()["warehouses"][WAREHOUSE]["billed_seconds"]

    def make_faults(self, *rules):
        reply = self.ask("POST", "/fake/faults", list(rules))
        assert reply.status == 200, reply.body


class Served(unittest.TestCase):
    """Tests with a fake whose time does not pass."""

    maxDiff = None

    def serve(self, is_alive=False, roles=(ROLE, "LIMITED", "PUBLIC"), **options):
        clock = Clock(NOW, speed=0)
        self.auth = Auth({ACCOUNT})
        self.auth.add(User(USER, roles, WAREHOUSE, tokens={"PROGRAMMATIC_ACCESS_TOKEN": "pat-1"}))
        account = Account(NOW, is_alive=is_alive)
        fake = self.enterContext(Fake(account, clock, self.auth, **options))
        return fake, Client(fake)

    def assert_refused(self, reply, status, code, sql_state=None):
        self.assertEqual((reply.status, reply.json()["code"], reply.json().get("sqlState")),
                         (status, code, sql_state), reply.body)
