"""Service: started, bound, asked, stopped; of a container and of this host."""

import dagger
import httpx
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import SERVE, base, fresh, get, page_on_this_host, sh, tree, web
from tests.engine.suite import mentions


async def service_bound(at: At) -> object:
    made = web(at, "served").as_service(args=SERVE)
    client = fresh(at).with_service_binding("web", made)
    return await client.with_exec(get("http://web:8000")).stdout()


async def service_bound_to_two_steps(at: At) -> object:
    client = fresh(at).with_service_binding("web", web(at, "twice").as_service(args=SERVE))
    one = client.with_exec(get("http://web:8000"))
    return [await one.stdout(), await one.with_exec(get("http://web:8000/")).stdout()]


async def service_started_and_bound_by_endpoint(at: At) -> object:
    made = await web(at, "started").as_service(args=SERVE).start()
    try:
        endpoint = await made.endpoint(scheme="http")
        client = fresh(at).with_service_binding("web", made)
        return [
            await client.with_exec(get(endpoint)).stdout(),
            endpoint.startswith("http://"),
            endpoint[-5:],
        ]
    finally:
        await made.stop()


async def service_of_the_images_own_entrypoint(at: At) -> object:
    made = _image_that_serves(at).as_service(use_entrypoint=True)
    return (
        await fresh(at).with_service_binding("web", made).with_exec(get("http://web:8000")).stdout()
    )


async def service_asked_by_this_process(at: At) -> object:
    """As a module asks the image it has built, from where the module runs."""
    made = await _image_that_serves(at).as_service(use_entrypoint=True).start()
    try:
        endpoint = await made.endpoint(port=8000, scheme="http")
        async with httpx.AsyncClient(timeout=60) as client:
            return await _status_and_text(client, endpoint)
    finally:
        await made.stop()


async def service_of_default_args(at: At) -> object:
    made = web(at, "defaults").with_default_args(SERVE).as_service()
    return (
        await fresh(at).with_service_binding("web", made).with_exec(get("http://web:8000")).stdout()
    )


async def service_hostname_and_ports(at: At) -> object:
    made = base(at).with_exposed_port(8000).as_service(args=SERVE).with_hostname("myhost")
    return [
        await made.hostname(),
        (await made.endpoint()).endswith(":8000"),
        [await port.port() for port in await made.ports()],
    ]


@mentions("exit code: 3")
async def service_that_ends_at_its_start(at: At) -> object:
    made = base(at).with_exposed_port(9).as_service(args=sh("echo boom >&2; exit 3"))
    return await fresh(at).with_service_binding("bad", made).with_exec(["true"]).stdout()


async def service_with_a_secret(at: At) -> object:
    secret = dag.set_secret("service-token", "service-secret")
    script = "wc -c < /run/token > /www/index.html; exec " + " ".join(SERVE)
    made = web(at, "").with_mounted_secret("/run/token", secret).as_service(args=sh(script))
    return (
        await fresh(at).with_service_binding("web", made).with_exec(get("http://web:8000")).stdout()
    )


async def host_service_bound(at: At) -> object:
    with page_on_this_host("from this host") as port:
        made = dag.host().service([dagger.PortForward(backend=port, frontend=8099)])
        client = fresh(at).with_service_binding("host", made)
        return await client.with_exec(get("http://host:8099")).stdout()


async def host_service_by_its_address(at: At) -> object:
    with page_on_this_host("by address") as port:
        made = await dag.address(f"tcp://localhost:{port}").service().start()
        endpoint = await made.endpoint(scheme="http")
        client = fresh(at).with_service_binding("host", made)
        answers = [
            await client.with_exec(get(f"http://host:{port}")).stdout(),
            endpoint.startswith("http://"),
            endpoint.endswith(f":{port}"),
        ]
        await made.stop()
        return answers


async def host_service_asked_by_this_process(at: At) -> object:
    """As a module asks the registry on the user's machine that it is given."""
    with page_on_this_host("by endpoint") as port:
        made = await dag.address(f"tcp://localhost:{port}").service().start()
        try:
            async with httpx.AsyncClient(timeout=60) as client:
                return await _status_and_text(client, await made.endpoint(scheme="http"))
        finally:
            await made.stop()


async def _status_and_text(client: httpx.AsyncClient, url: str) -> object:
    try:
        answer = await client.get(url)
    except httpx.ConnectError:
        return "ConnectError"
    return [answer.status_code, answer.text]


def _image_that_serves(at: At) -> dagger.Container:
    words = ", ".join(f'"{word}"' for word in SERVE)
    dockerfile = f"FROM {at.base}\nCOPY page /www/index.html\nEXPOSE 8000\nENTRYPOINT [{words}]\n"
    return tree({"Dockerfile": dockerfile, "page": "by its entrypoint"}).docker_build()
