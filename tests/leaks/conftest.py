"""The rehearsal server and the images for it, for the run that is searched."""

from tests.server.conftest import maker, server, session_skopeo

__all__ = ["maker", "server", "session_skopeo"]
