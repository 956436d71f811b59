"""The forms that a secret is looked for in: fourteen ways in which programs write one."""

import base64
import json
import shlex
import urllib.parse


def forms_of(secret: str, user: str) -> dict[str, bytes]:
    """Every form by its name, as bytes to look for.

    A key of several lines is looked for by one of them as well, as tools print them one by one: the
    last of the longest, since the first ones of a key are the same in every key.
    """
    raw = secret.encode()
    pair = base64.b64encode(f"{user}:{secret}".encode()).decode()
    line = max(reversed(secret.splitlines()), key=len)
    forms = {
        "raw": secret,
        "base64": base64.b64encode(raw).decode(),
        "base64 of user:secret": pair,
        "URL-safe base64": base64.urlsafe_b64encode(raw).decode(),
        "base64 of base64": base64.b64encode(base64.b64encode(raw)).decode(),
        "hexadecimal": raw.hex(),
        "HEXADECIMAL": raw.hex().upper(),
        "URL": urllib.parse.quote(secret, safe=""),
        "URL of a form": urllib.parse.quote_plus(secret),
        "JSON": json.dumps(secret)[1:-1],
        "JSON in UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "shell": shlex.quote(secret).strip("'"),
        "CRLF": secret.replace("\n", "\r\n"),
        "one line": line,
    }
    return {name: text.encode() for name, text in forms.items()}
