"""Images that behave: one small service on the base image, each variant with its own fault."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from ci.decisions.labels import FINGERPRINT, REVISION, VERSION
from tests.clients import Client

OCI = "application/vnd.oci.image"
SECOND_NS = 10**9

# MODE is the fault. The service itself is the same in all of them.
SERVICE = r"""
import http.server, itertools, json, os, signal, sys, threading, time, urllib.request
MODE, TAG = os.environ["MODE"], os.environ["APP_TAG"]
COUNT = itertools.count()

class Answer(http.server.BaseHTTPRequestHandler):
    # Sent whole or, where the process ends before, not at all: then a proxy may ask another.
    wbufsize = -1
    def do_GET(self):
        status, tag, health = 200, TAG, self.path == "/health"
        if health and (MODE == "error" or (MODE == "flaps" and next(COUNT) % 2)):
            status = 500
        if health and MODE == "greets" and os.environ["GREETING"] != "hello":
            status = 500
        if health and MODE == "redirects":
            status = 302
        if health and MODE == "hangs":
            time.sleep(60)
        if MODE == "version":
            tag = "another"
        self.send_response(status)
        self.send_header("Location", "/version")
        self.end_headers()
        try:
            probed = "Python" in str(self.headers["User-Agent"])
            while MODE == "floods" and not health and not probed:
                self.wfile.write(b"x" * 1048576)
            self.wfile.write(json.dumps({"tag": tag}).encode())
        except OSError:
            pass
    def log_message(self, *words):
        pass

def probe():
    if MODE == "unhealthy":
        sys.exit("not well")
    urllib.request.urlopen("http://127.0.0.1:8000/version", timeout=15)

def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print("last words of", TAG, MODE, flush=True)
    if MODE == "crash":
        sys.exit(3)
    if MODE == "talks":
        print("\x1b[31m::error::", os.environ.get("SECRET"), "##[group]\x1b[0m", flush=True)
        sys.exit(3)
    if MODE == "works-not" and sys.argv[1:] == ["work"]:
        sys.exit(5)
    if MODE == "eats":
        threading.Timer(1, lambda: bytearray(1 << 30)).start()
    if MODE.startswith("lives-"):
        threading.Timer(float(MODE[6:]), os._exit, [4]).start()
    if MODE.startswith("slow"):
        time.sleep(float(MODE[5:] or 3))
    # As servers for real do: more than the five that Python lets wait.
    http.server.ThreadingHTTPServer.request_queue_size = 256
    http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Answer).serve_forever()

probe() if sys.argv[1:] == ["probe"] else main()
"""


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the registry, with the digests that a client reads there."""

    repository: str
    tag: str
    digest: str
    manifest: str
    config: str

    @property
    def reference(self) -> str:
        """What is deployed."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes variants in an OCI layout that holds the base image, and pushes them."""

    layout: Path
    skopeo: Client
    repository: str

    def make(self, tag: str, mode: str, *, padding: bytes = b"", **changes: object) -> Image:
        """An image of the service that says `tag` and has the fault `mode`.

        `padding` makes its layer one of its own; `changes` are of the configuration.
        """
        base = self._base()
        layer, diff = self._layer(padding)
        config = json.loads(self._read(base["config"]["digest"]))
        config["rootfs"]["diff_ids"].append(diff)
        config["config"]["Env"] += [f"MODE={mode}", f"APP_TAG={tag}"]
        config["config"] |= {
            "Labels": {
                VERSION: tag,
                FINGERPRINT: f"sha256:{hashlib.sha256(f'{tag} {mode}'.encode()).hexdigest()}",
                REVISION: "0" * 40,
            },
            "Entrypoint": ["python3", "-u", "/service.py"],
            "Cmd": None,
            "ExposedPorts": {"8000/tcp": {}},
            "Healthcheck": {
                "Test": ["CMD", "python3", "/service.py", "probe"],
                "Interval": SECOND_NS,
                # A newer Docker asks only each five seconds in the period of the start otherwise.
                "StartInterval": SECOND_NS // 4,
                "Timeout": 20 * SECOND_NS,
                "StartPeriod": 10 * SECOND_NS,
                "Retries": 2,
            },
            **changes,
        }
        stored = self._store(config, f"{OCI}.config.v1+json")
        manifest = self._store(
            {**base, "config": stored, "layers": [*base["layers"], layer]},
            f"{OCI}.manifest.v1+json",
        )
        platform = {"os": "linux", "architecture": config["architecture"]}
        return self._push(tag, stored, manifest, {**manifest, "platform": platform})

    def _push(self, tag: str, config: dict, manifest: dict, entry: dict) -> Image:
        index = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.index.v1+json",
            "manifests": [entry],
        }
        top = self._store(index, f"{OCI}.index.v1+json")
        (self.layout / "index.json").write_text(json.dumps({**index, "manifests": [top]}))
        self.skopeo.allowed(
            *("copy", "--all", "--preserve-digests", "--dest-tls-verify=false"),
            *(f"oci:{self.layout}", f"docker://{self.repository}:{tag}"),
        )
        return Image(self.repository, tag, top["digest"], manifest["digest"], config["digest"])

    def _base(self) -> dict:
        return json.loads((self.layout / "base.json").read_text())

    def _layer(self, padding: bytes) -> tuple[dict, str]:
        archive = io.BytesIO()
        files = {"service.py": SERVICE.encode(), "padding": padding}
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
        raw = archive.getvalue()
        packed = gzip.compress(raw, mtime=0)
        descriptor = self._write(packed, f"{OCI}.layer.v1.tar+gzip")
        return descriptor, f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def _store(self, document: dict, media_type: str) -> dict:
        return self._write(json.dumps(document).encode(), media_type)

    def _write(self, raw: bytes, media_type: str) -> dict:
        name = hashlib.sha256(raw).hexdigest()
        (self.layout / "blobs" / "sha256" / name).write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(raw)}

    def _read(self, digest: str) -> bytes:
        return (self.layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def maker_with_base(folder: Path, skopeo: Client, mirror: str, repository: str) -> Maker:
    """A maker whose layout holds the base image of this machine's platform."""
    layout = folder / "layout"
    skopeo.allowed(
        *("copy", "--src-tls-verify=false"),
        *(f"docker://{mirror}/library/python:3.11-slim", f"oci:{layout}"),
    )
    maker = Maker(layout, skopeo, repository)
    top = json.loads((layout / "index.json").read_text())["manifests"][0]
    (layout / "base.json").write_bytes(maker._read(top["digest"]))
    return maker
