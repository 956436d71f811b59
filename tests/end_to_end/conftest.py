"""What the deploys of this folder need of the server's tests."""

from tests.server.conftest import maker, proxied, server, session_skopeo

__all__ = ["maker", "proxied", "server", "session_skopeo"]
