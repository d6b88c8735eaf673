"""The fake of Snowflake that demo, tests and benchmarks share: tokens, the SQL API, billing, views."""

import base64
import json
import subprocess
import sys
import unittest

import support

sys.path.insert(0, str(support.SOURCE / "deploy"))
from snowflake_fake.auth import TYPE_HEADER, Auth, PublicKey, User  # noqa: E402
from snowflake_fake.protocol import Refusal  # noqa: E402

ACCOUNT, USER = "DEMO-ACCOUNT", "EXPORTER"
NOW = 1_795_850_000.0


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A key pair of openssl's: what signs is not what the fake checks with."""

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
        """A good token, but for what is changed."""
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


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(support.folder())
        cls.old, cls.new, cls.foreign = (Key(folder, name) for name in ("old", "new", "foreign"))
        cls.odd = Key(folder, "odd", 2056)

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

    def test_a_key_whose_length_is_not_a_power_of_two_is_read(self):
        self.assertEqual(PublicKey(self.odd.public).fingerprint, self.odd.fingerprint)
        self.assertTrue(PublicKey(self.odd.public).verifies(b"text", self.odd.sign(b"text")))
        self.assertFalse(PublicKey(self.odd.public).verifies(b"texts", self.odd.sign(b"text")))

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


if __name__ == "__main__":
    unittest.main()
