"""Logins: passwords for Airflow 2 at each request, tokens for Airflow 3."""

import base64
import hashlib
import hmac
import json
import time

from airflow_fake.query import Refusal, detail, problem

LEEWAY = 10  # seconds for which an expired token is still accepted


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Login:
    """One user. Tokens use the machine's time, not the time of the World."""

    def __init__(self, is_v1, user="viewer", password="viewer", token_seconds=86400, now=time.time):
        self.is_v1, self.user, self.password = is_v1, user, password
        self.token_seconds, self.now = token_seconds, now
        self.key = b"a key of the fake alone"  # a new key would make all earlier tokens invalid
        self.tokens = 0  # number of tokens issued
        self.refused = set()  # lists for which the user lacks permission, such as "/pools"

    def check(self, authorization, path):
        """Raises Refusal if the request is not allowed."""
        if self.is_v1:
            self.check_password(authorization, path)
            return
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise detail(401, "Not authenticated")
        head, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self.sign(head), signature):
            raise detail(403, "Invalid JWT token")
        claims = head.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        if claims["exp"] < self.now() - LEEWAY:
            raise detail(401, "Token Expired")
        if path in self.refused:
            raise detail(403, "Forbidden")

    def check_password(self, authorization, path):
        """The reply does not say why a request is refused."""
        right = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if not hmac.compare_digest(authorization, right) or path in self.refused:
            raise problem(403, "Forbidden", None, "PermissionDenied")

    def sign(self, head):
        return encoded(hmac.digest(self.key, head.encode(), hashlib.sha512))

    def make_token(self, body):
        """The reply to POST /auth/token."""
        try:
            given = json.loads(body)
            user, password = given["username"], given["password"]
        except (ValueError, KeyError, TypeError):
            raise detail(422, "2 validation errors for LoginBody") from None
        if (user, password) != (self.user, self.password):
            raise detail(401, "Invalid credentials")
        self.tokens += 1
        now = int(self.now())
        claims = {"sub": user, "role": "viewer", "teams": [], "aud": "apache-airflow", "nbf": now,
                  "iat": now,
                  "exp": now + self.token_seconds}
        parts = ({"alg": "HS512", "typ": "JWT"}, claims)
        head = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return {"access_token": f"{head}.{self.sign(head)}"}


def wrong_version(is_v1, path):
    """The reply of one version to a path of the other."""
    if not is_v1 and path.startswith("/api/v1"):
        return Refusal(404,
                       {"error": "/api/v1 has been removed in Airflow 3, please use its upgraded version "
                                      "/api/v2 instead."})
    if not is_v1:
        return Refusal(404, {"error": "API route not found"})
    return Refusal(404,
                   "<!DOCTYPE html>\n<html>\n  <head>\n    <title>Airflow 404</title>\n  </head>\n"
                   "  <body>Page cannot be found.</body>\n</html>\n", "text/html; charset=utf-8")
