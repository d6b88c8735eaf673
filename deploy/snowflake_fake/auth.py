"""Authentication: key-pair tokens, and programmatic access, OAuth and workload identity tokens."""

import base64
import binascii
import collections
import hashlib
import hmac
import json
import re
import time
import uuid

from snowflake_fake.protocol import Refusal

TYPE_HEADER = "X-Snowflake-Authorization-Token-Type"
TYPES = ("KEYPAIR_JWT", "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN", "WORKLOAD_IDENTITY_FEDERATION")
LONGEST = 3600  # seconds after `iat` for which a key-pair token is accepted, whatever its `exp`
LEEWAY = 60  # seconds by which a token may be issued in the future
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption with NULL (RFC 8017, A.1)
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # of DigestInfo (RFC 8017, 9.2)
LOG_LENGTH = 1000


class Der:
    """Reads the values of a DER encoding in order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def read(self, tag):
        """The contents of the next value, which must have this tag. Raises ValueError."""
        if self.at + 2 > len(self.data) or self.data[self.at] != tag:
            raise ValueError(f"no value with tag {tag:#04x} at byte {self.at}")
        length, start = self.data[self.at + 1], self.at + 2
        if length & 0x80:
            octets = length & 0x7F
            length = int.from_bytes(self.data[start:start + octets], "big")
            start += octets
        if start + length > len(self.data):
            raise ValueError(f"the value at byte {self.at} is cut")
        self.at = start + length
        return self.data[start:self.at]


class PublicKey:
    """An RSA public key, as `openssl rsa -pubout` writes it."""

    def __init__(self, pem):
        """Parses the PEM text. Raises ValueError."""
        lines = [line.strip() for line in pem.strip().splitlines()]
        if lines[:1] != ["-----BEGIN PUBLIC KEY-----"] or lines[-1] != "-----END PUBLIC KEY-----":
            raise ValueError("not a PEM file with a PUBLIC KEY")
        der = base64.b64decode("".join(lines[1:-1]), validate=True)
        info = Der(der).read(0x30)
        if not info.startswith(RSA_ALGORITHM):
            raise ValueError("not an RSA key")
        bits = Der(info[len(RSA_ALGORITHM):]).read(0x03)  # starts with the number of unused bits
        numbers = Der(Der(bits[1:]).read(0x30))
        self.modulus = int.from_bytes(numbers.read(0x02), "big")
        self.exponent = int.from_bytes(numbers.read(0x02), "big")
        self.size = (self.modulus.bit_length() + 7) // 8
        self.fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def verifies(self, text, signature):
        """Whether this is the RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, 8.2.2)."""
        number = int.from_bytes(signature, "big")
        if len(signature) != self.size or number >= self.modulus:
            return False
        digest = SHA256_PREFIX + hashlib.sha256(text).digest()
        expected = b"\0\1" + b"\xff" * (self.size - len(digest) - 3) + b"\0" + digest
        found = pow(number, self.exponent, self.modulus).to_bytes(self.size, "big")
        return hmac.compare_digest(found, expected)


class User:
    """A user: at most two public keys, for rotation, tokens by type, and the defaults of a session."""

    def __init__(self, name, roles, warehouse=None, keys=(), tokens=None):
        self.name, self.roles, self.warehouse = name, list(roles), warehouse
        self.keys = [PublicKey(pem) for pem in keys]
        self.tokens = dict(tokens or {})
        if len(self.keys) > 2:
            raise ValueError(f"{name} has more than two public keys")


class Fault(Exception):
    """The failed check of a token. It appears in the fake's log, never in the reply."""


class Auth:
    """The users of one account. Tokens use the machine's time plus `offset`, not the account's time."""

    def __init__(self, accounts, now=time.time):
        self.accounts, self.now, self.offset = set(accounts), now, 0.0
        self.users = {}
        self.log = collections.deque(maxlen=LOG_LENGTH)

    def add(self, user):
        self.users[user.name] = user
        return user

    def note(self, fault, detail):
        self.log.append({"time": self.now() + self.offset, "fault": fault, "detail": detail})

    def check(self, headers):
        """Returns the user. Raises Refusal."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        kind = headers.get(TYPE_HEADER, "OAUTH")
        try:
            if not scheme:
                raise Fault("authorization", "no header Authorization")
            if scheme != "Bearer" or not token:
                raise Fault("authorization", "the scheme is not Bearer")
            if kind not in TYPES:
                raise Fault("token type", kind)
            return self.user_of_jwt(token) if kind == "KEYPAIR_JWT" else self.user_of_token(kind, token)
        except Fault as fault:
            self.note(*fault.args)
            raise refused(kind if scheme else None) from None

    def user_of_token(self, kind, token):
        for user in self.users.values():
            if hmac.compare_digest(user.tokens.get(kind, "").encode(), token.encode()):
                return user
        raise Fault("token", f"no user has this {kind}")

    def user_of_jwt(self, token):
        head, claims, signature, signed = read_jwt(token)
        if head.get("alg") != "RS256":
            raise Fault("algorithm", str(head.get("alg")))
        account, _, rest = str(claims.get("iss")).partition(".")
        name, _, fingerprint = rest.partition(".")
        if account not in self.accounts:
            raise Fault("account", account)
        if name not in self.users:
            raise Fault("user", name)
        if claims.get("sub") != f"{account}.{name}":
            raise Fault("subject", str(claims.get("sub")))
        user = self.users[name]
        keys = [key for key in user.keys if key.fingerprint == fingerprint]
        if not keys:
            raise Fault("fingerprint", fingerprint)
        if not keys[0].verifies(signed, signature):
            raise Fault("signature", "not by the private key of that fingerprint")
        self.check_times(claims)
        return user

    def check_times(self, claims):
        now = self.now() + self.offset
        times = [claims.get(name) for name in ("iat", "exp")]
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in times):
            raise Fault("times", "iat and exp are not both integers")
        issued, expires = (each / 1000 if each > 1e11 else each for each in times)  # in ms or s
        if issued > now + LEEWAY:
            raise Fault("issued in the future", f"{issued - now:.0f} s ahead")
        if now >= expires:
            raise Fault("expired", f"{now - expires:.0f} s ago")
        if now >= issued + LONGEST:
            raise Fault("too old", f"issued {now - issued:.0f} s ago")


def read_jwt(token):
    """The header, the claims, the signature and the signed bytes (RFC 7515, 3.1). Raises Fault."""
    try:
        parts = token.split(".")
        head, claims, signature = (decoded(part) for part in parts)
        head, claims = json.loads(head), json.loads(claims)
    except (ValueError, binascii.Error):
        raise Fault("malformed", "not three parts of base64url, two of them JSON") from None
    if not isinstance(head, dict) or not isinstance(claims, dict):
        raise Fault("malformed", "header or claims are not objects")
    return head, claims, signature, ".".join(parts[:2]).encode()


def decoded(part):
    """Decodes base64url without padding, strictly (RFC 7515, 2). Raises ValueError."""
    if not re.fullmatch(r"[\w-]+", part, re.ASCII):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def refused(kind):
    """The 401 for a token of this type, with Snowflake's texts; None means that there is no token.

    The code for workload identity is not documented, so the code of OAuth is used.
    """
    if kind is None:
        return Refusal(401, "390101", "Authorization header not found in the request data.")
    if kind == "KEYPAIR_JWT":
        return Refusal(401, "390144", f"JWT token is invalid. [{uuid.uuid4()}]")
    if kind == "PROGRAMMATIC_ACCESS_TOKEN":
        return Refusal(401, "394400", "Programmatic access token is invalid.")
    return Refusal(401, "390303", f"Invalid OAuth access token. [{uuid.uuid4()}]")
