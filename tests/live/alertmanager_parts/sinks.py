"""Receivers of the test's notifications: Slack, PagerDuty, webhooks and mail, on loopback."""

import base64
import email
import email.policy
import http.server
import json
import re
import socketserver
import sys
import threading
import time
import urllib.parse
from typing import NamedTuple

SECRETS = {"smtp_password": "mail-secret", "pagerduty_key": "pager-secret", "webhook_token": "hook-secret"}
TITLE = re.compile(r"(?:Open for an hour: )?(\w+): (\w+)(?: \(\d+\))?, ([\w-]+)")


class Message(NamedTuple):
    """A notification: its time, its channel, and its contents."""

    time: float
    channel: str  # the Slack channel, the address of a mail, or pagerduty, webhook, heartbeat
    status: str  # CRITICAL, WARNING, Resolved, ...
    alert: str
    environment: str
    body: object
    text: str
    title: str


class Sinks:
    """Listens until the process ends. The webhook rejects notifications of the environment `refused` with
    401, and those of `broken` twice with 500."""

    def __init__(self):
        self.messages, self.refused, self.broken = [], 0, 0
        self.lock = threading.Lock()
        self.http = self.serve(http.server.ThreadingHTTPServer, http_handler(self))
        self.smtp = self.serve(socketserver.ThreadingTCPServer, smtp_handler(self))

    @staticmethod
    def serve(kind, handler):
        server = kind(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        # A stopped Alertmanager abandons its connections.
        report = server.handle_error
        server.handle_error = lambda *of: isinstance(sys.exc_info()[1], ConnectionError) or report(*of)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def add(self, channel, title, body, text):
        status, alert, environment = (TITLE.match(title) or re.match("()()()", "")).groups()
        with self.lock:
            self.messages.append(Message(time.time(), channel, status, alert, environment, body, text, title))

    def found(self, channel=None, **wanted):
        """The messages of a channel that have these attributes."""
        with self.lock:
            return [message for message in self.messages if channel in (None, message.channel)
                    and all(getattr(message, name) == value for name, value in wanted.items())]

    def answer_http(self, path, headers, body):
        """The status of the reply to a request."""
        if path == "/slack":
            attachment = body["attachments"][0]
            self.add(body["channel"], attachment["title"], body, attachment["text"])
        elif path == "/pagerduty":
            if body["routing_key"] != SECRETS["pagerduty_key"]:
                return 400
            title = (body.get("payload") or {}).get("summary", "")
            self.add("pagerduty", title, body, json.dumps(body))
            return 202
        elif path == "/heartbeat":
            self.add("heartbeat", "", body, "")
        else:
            return self.answer_webhook(headers, body)
        return 200

    def answer_webhook(self, headers, body):
        environment = body["commonLabels"].get("environment")
        if headers.get("Authorization") != f"Bearer {SECRETS['webhook_token']}" or environment == "refused":
            self.refused += 1
            return 401
        if environment == "broken" and self.broken < 2:
            self.broken += 1
            return 500
        self.add("webhook", f"{body['status']}: {body['commonLabels'].get('alertname')}, {environment}", body, "")
        return 200


def http_handler(sinks):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(sinks.answer_http(self.path, self.headers, body))
            answer = b"ok" if self.path == "/slack" else b'{"status":"success"}'
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    return Handler


def smtp_handler(sinks):
    class Handler(socketserver.StreamRequestHandler):
        def say(self, text):
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self):
            self.say("220 sink ESMTP")
            signed_in, recipients = False, []
            for line in self.rfile:
                command, _, rest = line.decode().strip().partition(" ")
                if command == "EHLO":
                    self.say("250-sink\r\n250-AUTH PLAIN\r\n250 8BITMIME")
                elif command == "AUTH":
                    secret = base64.b64decode(rest.split()[1]).decode().split("\0")[2]
                    signed_in = secret == SECRETS["smtp_password"]
                    self.say("235 welcome" if signed_in else "535 refused")
                elif command == "RCPT":
                    recipients.append(re.search("<(.*?)>", rest)[1])
                    self.say("250 ok" if signed_in else "530 who are you")
                elif command == "DATA":
                    self.say("354 go on")
                    self.take(recipients)
                    self.say("250 taken")
                elif command == "QUIT":
                    return self.say("221 bye")
                else:
                    self.say("250 ok")

        def take(self, recipients):
            lines = iter(self.rfile.readline, b".\r\n")
            mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            html = mail.get_body(("html",)).get_content()
            plain = mail.get_body(("plain",)).get_content()
            for recipient in recipients:
                sinks.add(recipient, mail["Subject"], html, plain)

    return Handler


def matchers_of(link):
    """The matchers in a link to a new silence, in the form of Alertmanager's API."""
    text = urllib.parse.unquote(re.search(r"#/silences/new\?filter=([^|>\"\s]+)", link)[1])
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)
    return [{"name": name, "value": re.sub(r"\\(.)", r"\1", value), "isRegex": False, "isEqual": True}
            for name, value in pairs]
