"""A server that replays a recording (docs/snowflake.md, "Report a difference").

    python3 -B tests/e2e/snowflake_replay.py report 8081     serves it on that port until it is stopped
"""

import http.server
import json
import pathlib
import sys
import threading


class Replay(http.server.ThreadingHTTPServer):
    """Serves the SQL API on 127.0.0.1 from a directory: each statement gets the answer in its file, for any user."""

    daemon_threads = True

    def __init__(self, directory, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.directory = directory  # read for each request, so it may be changed
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def reply_to(self, statement):
        """The status and the body."""
        path = self.directory / f"{statement}.json"
        if not path.is_file():
            return 422, {"code": "002003", "message": f"{path.name} is not in the recording", "sqlState": "42S02"}
        recorded = json.loads(path.read_text())
        body = {"code": recorded.get("code"), "sqlState": recorded.get("sql_state"), "message": "replayed"}
        if recorded["status"] == 200:
            rows = recorded["rows"]
            body |= {"statementHandle": statement, "data": rows, "resultSetMetaData": {
                "numRows": len(rows), "format": "jsonv2", "rowType": recorded["columns"],
                "partitionInfo": [{"rowCount": len(rows)}]}}
        return recorded["status"], body

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tag = json.loads(asked["parameters"]["query_tag"])
        status, body = self.server.reply_to(tag["statement"])
        written = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Replay(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
    threading.Event().wait()
