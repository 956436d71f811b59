"""What the deploys of this folder need of the server's tests."""

from tests.server.conftest import maker, server, session_skopeo

__all__ = ["maker", "server", "session_skopeo"]
