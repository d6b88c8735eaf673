"""A container engine with the part of Docker's API that host_exporter uses, and a few containers that
do not change."""

import contextlib
import http.server
import json
import socketserver
import threading


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves on a socket until the end of the block. `containers` are the replies to GET
    /containers/ID/json."""

    daemon_threads = True

    def __init__(self, socket, containers):
        self.containers = {container["Id"]: container for container in containers}
        self.ended = threading.Event()
        super().__init__(str(socket), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        known = self.server.containers
        if path == "/info":
            self._reply({"CgroupDriver": "systemd", "CgroupVersion": "2"})
        elif path == "/containers/json":
            self._reply([{"Id": each["Id"], "State": each["State"]["Status"]}
                         for each in known.values()])
        elif path == "/events":
            self._nothing_happens()
        elif (container := known.get(path.split("/")[2] if path.count("/") == 3 else "")):
            self._reply(container)
        else:
            self.send_error(404)

    def _reply(self, body):
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _nothing_happens(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.server.ended.wait(600)
        with contextlib.suppress(OSError):
            self.wfile.write(b"0\r\n\r\n")

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


def container(identity, name, status="running", exit_code=0, health=None, **state):
    """The engine's reply about a container."""
    told = {"Status": status, "OOMKilled": False, "Pid": 0, "ExitCode": exit_code,
            "StartedAt": "2026-01-02T03:04:05Z",
            "FinishedAt": "0001-01-01T00:00:00Z" if status == "running" else "2026-01-03T00:00:00Z",
            **state}
    if health:
        told["Health"] = {"Status": health, "Log": []}
    return {"Id": identity, "Created": "2026-01-02T03:04:00Z", "Name": f"/{name}",
            "RestartCount": 1, "SizeRw": 4096, "State": told,
            "HostConfig": {"NetworkMode": "bridge", "CgroupParent": ""},
            "Config": {"Image": f"registry.example/{name}:1", "Labels": {}}}
