"""One image, two roles: `web` answers on port 9000, `worker` waits for work."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        known = {"/up": {"up": True}, "/version": {"release": os.environ.get("RELEASE", "")}}
        answer = known.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer, separators=(",", ":")).encode())


if sys.argv[1] == "web":
    ThreadingHTTPServer(("", 9000), Shop).serve_forever()
while True:
    time.sleep(1)
