"""A project on the embedded engine, with a repository of its own in the rehearsal's registry."""

from tests.stages.conftest import connection, engine, project  # noqa: F401 - fixtures
