"""One session and one connection for the whole suite: that is how the module runs too."""

from collections.abc import AsyncIterator, Iterator

import dagger
import pytest
import pytest_asyncio

from tests.clients import Credentials
from tests.engine.at import At, Registry, Session
from tests.engine.engines import engine_session, is_embedded


@pytest.fixture(scope="session")
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    if is_embedded():
        request.getfixturevalue("docker_host")
    with engine_session() as found:
        yield found


@pytest.fixture(scope="session")
def at(
    mirror: str,
    target: str,
    credentials: Credentials,
    session: Session,
    tmp_path_factory: pytest.TempPathFactory,
) -> At:
    registry = Registry(target, credentials.user, credentials.token)
    return At(session, mirror, registry, tmp_path_factory.mktemp("conformance"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def connection(session: Session) -> AsyncIterator[None]:
    async with dagger.connection(dagger.Config(log_output=None)):
        yield
