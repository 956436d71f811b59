"""A client that writes its requests by hand and keeps the answers byte for byte."""

import http.client
import io
import re
import socket

# What differs from one answer to the next by its nature.
PASSING = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|_state=[^&\s]+|Date: [^\r]+|localhost:[0-9]+")


class Caller:
    """Sends requests over one connection and keeps the answers as they came, byte for byte."""

    def __init__(self, address: str, token: str) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.file = self.socket.makefile("rb")
        self.host, self.token, self.answers = address, token, list[bytes]()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *headers: str,
        chunked: bool = False,
        token: bool = True,
    ) -> dict[str, str]:
        """Ask; returns the answer's headers."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers]
        lines += [f"Authorization: Bearer {self.token}"] if token else []
        if chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:7], body[7:], b""))
        elif method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        head = b""
        while not head.endswith(b"\r\n\r\n") or head.startswith(b"HTTP/1.1 100"):
            head = b"" if head.endswith(b"\r\n\r\n") else head
            line = self.file.readline()
            if not line:
                raise ConnectionResetError("no answer")
            head += line
        message = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2]))
        length = int(message.get("Content-Length") or 0)
        raw = self.file.read(length if method != "HEAD" else 0)
        self.answers.append(PASSING.sub(b"~", head + raw))
        return {name.lower(): text for name, text in message.items()}

    def close(self) -> None:
        self.file.close()
        self.socket.close()
