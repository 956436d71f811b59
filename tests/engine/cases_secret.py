"""Secrets: handed to steps, and kept out of images and of what is printed."""

import dagger
from dagger import dag

from tests.engine.at import FROM_ENVIRONMENT, At
from tests.engine.parts import base, config, fresh, published, pulled, sh
from tests.engine.suite import mentions

VALUE = 's3cr3t "value" & more'
ENCODED = """
import base64, json, os, urllib.parse
value = os.environ["TOKEN"]
print(value)
print(base64.b64encode(value.encode()).decode())
print(urllib.parse.quote(value, safe=""))
print(json.dumps(value))
"""


async def secret_in_a_variable(at: At) -> object:
    secret = dag.set_secret("variable", "s3cr3t-val")
    step = base(at).with_secret_variable("TOKEN", secret).with_exec(sh("printf %s $TOKEN | wc -c"))
    return [await step.stdout(), await secret.plaintext(), await secret.name()]


async def secret_is_scrubbed_from_output(at: At) -> object:
    secret = dag.set_secret("scrubbed", "s3cr3t-val")
    step = (
        base(at).with_secret_variable("TOKEN", secret).with_exec(sh("echo $TOKEN; echo $TOKEN >&2"))
    )
    return [await step.stdout(), await step.stderr()]


async def secret_is_scrubbed_in_four_forms(at: At) -> object:
    secret = dag.set_secret("forms", VALUE)
    step = base(at).with_secret_variable("TOKEN", secret).with_exec(["python3", "-c", ENCODED])
    return (await step.stdout()).splitlines()


async def secret_is_scrubbed_from_an_error(at: At) -> object:
    secret = dag.set_secret("failing", "s3cr3t-val")
    step = base(at).with_secret_variable("TOKEN", secret)
    return await step.with_exec(sh("echo out $TOKEN; echo err $TOKEN >&2; exit 9")).stdout()


async def secret_in_a_file(at: At) -> object:
    secret = dag.set_secret("file", "s3cr3t-val")
    made = base(at).with_mounted_secret("/run/sec/t", secret)
    return await made.with_exec(sh("stat -c '%a %U %s' /run/sec/t; wc -c < /run/sec/t")).stdout()


async def secret_in_a_file_of_a_user(at: At) -> object:
    secret = dag.set_secret("owned", "abc")
    made = base(at).with_mounted_secret("/t", secret, owner="nobody", mode=0o440)
    return await made.with_exec(sh("stat -c '%a %U %s' /t")).stdout()


async def secret_in_a_file_is_gone_in_the_next_step(at: At) -> object:
    secret = dag.set_secret("gone", "abc")
    used = base(at).with_mounted_secret("/run/gone/t", secret).with_exec(["true"])
    return (
        await used.without_mount("/run/gone/t")
        .with_exec(sh("cat /run/gone/t 2>/dev/null | wc -c"))
        .stdout()
    )


async def secret_is_not_in_the_published_image(at: At) -> object:
    secret = dag.set_secret("published", f"hidden-{at.salt}")
    made = fresh(at).with_secret_variable("TOKEN", secret).with_mounted_secret("/run/t", secret)
    reference = await published(at, made.with_exec(sh("test -n $TOKEN")), "secret:1")
    shown = pulled(at, reference).with_exec(sh("cat /run/t 2>/dev/null | wc -c; echo [$TOKEN]"))
    return [f"hidden-{at.salt}" in str(config(at, reference)), await shown.stdout()]


async def secret_from_the_environment(at: At) -> object:
    return await dag.secret(f"env://{FROM_ENVIRONMENT}").plaintext()


@mentions("not found")
async def secret_missing_in_the_environment(at: At) -> object:
    return await dag.secret("env://NOPE_NOPE").plaintext()


async def secret_from_a_file(at: At) -> object:
    source = at.scratch / "secret.txt"
    source.write_text("from a file")
    return await dag.secret(f"file://{source}").plaintext()


async def secret_from_a_command(at: At) -> object:
    return await dag.secret("cmd://printf from-a-command").plaintext()


async def secret_by_its_address(at: At) -> object:
    return await dag.address(f"env://{FROM_ENVIRONMENT}").secret().plaintext()


async def secret_of_another_name_and_value_runs_again(at: At) -> object:
    answers = []
    for value in ("one", "two"):
        secret = dag.set_secret(f"value-{value}", value)
        step = (
            fresh(at)
            .with_secret_variable("TOKEN", secret)
            .with_exec(sh("date +%N; test -n $TOKEN"))
        )
        answers.append(await step.stdout())
    return answers[0] == answers[1]


async def load_secret_from_id(at: At) -> object:
    identity = await dag.set_secret("loaded", "abc").id()
    return await dag.load_secret_from_id(dagger.SecretID(identity)).plaintext()
