"""Tokens that the fake Snowflake accepts and rejects, signed by openssl, whose code it does not use."""

import base64
import contextlib
import http.client
import json
import ssl
import subprocess
import sys
import time
import unittest

import support
from snowflake_client import ACCOUNT, NOW, USER, Client, Key, bearer, encoded, openssl
from snowflake_fake.auth import TYPE_HEADER, Auth, PublicKey, User
from snowflake_fake.protocol import Refusal

PROGRAM = (sys.executable, "-B", support.SOURCE / "deploy/snowflake_fake", "--port", "0")


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(support.folder())
        cls.old, cls.new, cls.foreign = (Key(folder, name) for name in ("old", "new", "foreign"))
        cls.odd = Key(folder, "odd", 2052)

    def setUp(self):
        self.auth = Auth({ACCOUNT}, now=lambda: NOW)
        self.user = self.auth.add(User(USER, ["MONITOR"], keys=[self.old.public, self.new.public]))

    def assert_refused(self, headers, code, fault):
        with self.assertRaises(Refusal) as refused:
            self.auth.check(headers)
        self.assertEqual((refused.exception.status, refused.exception.code), (401, code))
        self.assertEqual(self.auth.log[-1]["fault"], fault)
        token = headers.get("Authorization", "").partition(" ")[2]
        self.assertTrue(len(token) < 8 or token not in str(list(self.auth.log)), "a token in the log")
        return refused.exception.message

    def test_both_keys_of_a_user_are_taken(self):
        for key in (self.old, self.new):
            self.assertIs(self.auth.check(bearer(key.token(NOW))), self.user)
            in_ms = key.token(NOW, iat=int(NOW * 1000), exp=int(NOW * 1000) + 60_000)
            self.assertIs(self.auth.check(bearer(in_ms)), self.user)
        self.user.keys = [PublicKey(self.new.public)]
        self.assert_refused(bearer(self.old.token(NOW)), "390144", "fingerprint")
        with self.assertRaises(ValueError):
            User(USER, [], keys=[self.old.public, self.new.public, self.foreign.public])

    def test_a_signature_has_one_form(self):
        key, signature = PublicKey(self.odd.public), self.odd.sign(b"text")
        self.assertEqual((key.fingerprint, key.size), (self.odd.fingerprint, 257))
        self.assertTrue(key.verifies(b"text", signature))
        self.assertFalse(key.verifies(b"texts", signature))
        beyond = int.from_bytes(signature, "big") + key.modulus  # equal modulo the modulus
        for other in (b"\0" + signature, signature[:-1], beyond.to_bytes(257, "big"), b""):
            self.assertFalse(key.verifies(b"text", other))

    def test_each_fault_of_a_token_is_logged_and_the_answer_does_not_tell_them_apart(self):
        good = self.old.token(NOW)
        head, claims, signature = good.split(".")
        text = base64.urlsafe_b64decode(signature + "==")
        texts = set()
        for fault, token in {
                "signature": f"{head}.{claims}.{encoded(bytes([text[0] ^ 1]) + text[1:])}",
                "account": self.old.token(NOW, iss=f"OTHER.{USER}.{self.old.fingerprint}"),
                "user": self.old.token(NOW, user="NOBODY"),
                "subject": self.old.token(NOW, sub=f"{ACCOUNT}.{USER.lower()}"),
                "fingerprint": self.foreign.token(NOW),
                "issued in the future": self.old.token(NOW + 120),
                "expired": self.old.token(NOW - 3541),
                "too old": self.old.token(NOW - 3600, exp=int(NOW) + 3600),
                "times": self.old.token(NOW, exp=f"{NOW}"),
                "algorithm": self.old.token(NOW, head={"alg": "none"}),
                "malformed": "abc.def"}.items():
            with self.subTest(fault):
                texts.add(self.assert_refused(bearer(token), "390144", fault)[:22])
        self.assertEqual(texts, {"JWT token is invalid. "})
        digest_of_another_kind = self.old.token(NOW, digest="-sha1")
        self.assert_refused(bearer(digest_of_another_kind), "390144", "signature")
        cut = f"{head}.{claims}.{encoded(text[:-1])}"
        self.assert_refused(bearer(cut), "390144", "signature")
        for same in (good + "=", good.replace("-", "+").replace("_", "/") + "==", f"{good}.", f" {good}"):
            self.assert_refused(bearer(same), "390144", "malformed")
        foreign = self.foreign.token(NOW, iss=f"{ACCOUNT}.{USER}.{self.old.fingerprint}")
        self.assert_refused(bearer(foreign), "390144", "signature")

    def test_the_clock_that_decides_can_be_moved(self):
        token = bearer(self.old.token(NOW))
        for offset, is_taken in ((0, True), (3539, True), (3541, False), (-59, True), (-61, False)):
            self.auth.offset = offset
            with self.subTest(offset):
                if is_taken:
                    self.assertIs(self.auth.check(token), self.user)
                else:
                    self.assert_refused(token, "390144", "expired" if offset > 0 else "issued in the future")

    def test_tokens_of_other_types(self):
        self.user.tokens = {"PROGRAMMATIC_ACCESS_TOKEN": "pat-1", "OAUTH": "oauth-1",
                            "WORKLOAD_IDENTITY_FEDERATION": "WIF.OIDC.token-1"}
        for kind, token in self.user.tokens.items():
            self.assertIs(self.auth.check(bearer(token, kind)), self.user)
        self.assert_refused(bearer("pat-2", "PROGRAMMATIC_ACCESS_TOKEN"), "394400", "token")
        self.assert_refused(bearer("pat-1", "OAUTH"), "390303", "token")
        self.assert_refused(bearer("WIF.AWS.token-1", "WORKLOAD_IDENTITY_FEDERATION"), "390303", "token")
        self.assert_refused(bearer("x", "PASSWORD"), "390303", "token type")

    def test_the_header_for_the_type_decides(self):
        headers = bearer(self.old.token(NOW))
        del headers[TYPE_HEADER]
        self.assert_refused(headers, "390303", "token")
        self.assert_refused({}, "390101", "authorization")
        self.assert_refused({"Authorization": "Basic dTpw"}, "390303", "authorization")

    def test_what_is_not_an_rsa_public_key_is_refused(self):
        lines = self.old.public.splitlines()
        cut, empty = "\n".join([lines[0], *lines[2:]]), f"{lines[0]}\n{lines[-1]}"
        for pem in ("", self.old.path.read_text(), cut, empty):
            with self.assertRaises(ValueError):
                PublicKey(pem)


class Program(unittest.TestCase):
    def test_it_serves_over_tls_with_two_keys(self):
        folder = self.enterContext(support.folder())
        keys = [Key(folder, name) for name in ("one", "two")]
        for key in keys:
            key.path.with_suffix(".pub").write_text(key.public)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                folder / "tls.key", "-out", folder / "tls.pem")
        command = [*PROGRAM, "--user", USER, "--account", ACCOUNT, "--speed", "0", "--start", f"{NOW}",
                   "--public-key", folder / "one.pub", "--public-key", folder / "two.pub",
                   "--tls-cert", folder / "tls.pem", "--tls-key", folder / "tls.key"]
        with support.Process(command) as process:
            url = process.wait_for_lines(" on https://")[0].rpartition(" ")[2]
            port, context = int(url.rpartition(":")[2]), ssl.create_default_context(cafile=folder / "tls.pem")
            written = json.dumps({"statement": "SHOW WAREHOUSES"})
            for key in keys:
                with contextlib.closing(http.client.HTTPSConnection(
                        "127.0.0.1", port, timeout=support.START, context=context)) as connection:
                    connection.request("POST", "/api/v2/statements", written,
                                       Client.headers | bearer(key.token(time.time())))
                    body = json.loads(connection.getresponse().read())
                    self.assertEqual((len(body["data"]), body["createdOn"]), (8, int(NOW * 1000)))
            self.assertEqual(process.stop(), 0)

    def test_a_bad_key_is_said(self):
        folder = self.enterContext(support.folder())
        (folder / "key").write_text("nothing")
        for path, expected in ((folder / "key", "not a PEM"), (folder / "none", "No such file")):
            ended = subprocess.run([*PROGRAM, "--public-key", path], capture_output=True, text=True,
                                   timeout=support.START, check=False)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(expected, ended.stderr)


if __name__ == "__main__":
    unittest.main()
