"""One image, two roles: `web` answers on port 9000, `worker` needs the database all the time."""

import json
import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def reach_database():
    """Connect to the database and leave; OSError where it does not answer."""
    host, _, port = os.environ["DATABASE"].partition(":")
    socket.create_connection((host, int(port)), timeout=3).close()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        known = {"/up": {"up": True}, "/version": {"release": os.environ.get("RELEASE", "")}}
        answer = known.get(self.path)
        if self.path == "/ready":
            reach_database()
            answer = {"ready": True}
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer, separators=(",", ":")).encode())


if sys.argv[1] == "web":
    ThreadingHTTPServer(("", 9000), Shop).serve_forever()
while True:
    reach_database()
    time.sleep(1)
