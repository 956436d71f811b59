"""Workflows changed in any number of ways at once are judged as the sum of their changes."""

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit.story import RELEASE, rules_of

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=8)


def publish(tree):
    return tree["jobs"]["publish"]


def last(job):
    return job["steps"][-1]


def unpin(tree):
    publish(tree)["steps"][0]["uses"] = "actions/checkout@v5"


def ignore(tree):
    last(publish(tree))["run"] += " || true"


def scan(tree):
    tree["jobs"]["deploy"]["steps"].append({"run": "ssh-keyscan h >> known_hosts"})


def race(tree):
    del tree["jobs"]["deploy"]["needs"]


def inject(tree):
    last(publish(tree))["run"] = (
        "echo ${{ github.event.head_commit.message }}; " + last(publish(tree))["run"]
    )


def overlap(tree):
    del tree["concurrency"]


def refuse(tree):
    publish(tree)["permissions"] = {"contents": "read"}


def widen(tree):
    tree["jobs"]["deploy"]["permissions"]["packages"] = "write"


def show(tree):
    last(publish(tree))["run"] = "docker login -p $X ghcr.io\n" + last(publish(tree))["run"]


# They touch different places, so that what each one breaks does not hide what another does.
MUTATIONS = {
    unpin: "CI107",
    ignore: "CI111",
    scan: "CI112",
    race: "CI108",
    inject: "CI109",
    overlap: "CI116",
    refuse: "CI105",
    widen: "CI106",
    show: "CI113",
}


def rename(tree, draw):
    name = draw(WORDS)
    tree["jobs"] = {
        (name if key == "publish" else f"{name}-{key}"): job for key, job in tree["jobs"].items()
    }
    for job in tree["jobs"].values():
        if job.get("needs") == "publish":
            job["needs"] = [name]


def reorder(tree, draw):
    tree["jobs"] = dict(draw(st.permutations(list(tree["jobs"].items()))))


def add_steps(tree, draw):
    for job in tree["jobs"].values():
        harmless = {"name": draw(WORDS), "run": f"# docker push\necho '{draw(WORDS)}'"}
        job["steps"].insert(draw(st.integers(0, len(job["steps"]))), harmless)


def add_branches(tree, draw):
    tree["on"]["push"]["branches"] = [draw(WORDS)]


NEUTRAL = (add_branches, add_steps, reorder, rename)


@st.composite
def changed(draw):
    tree = yaml.load(RELEASE, Loader=yaml.BaseLoader)
    chosen = draw(st.sets(st.sampled_from(sorted(MUTATIONS, key=lambda each: each.__name__))))
    for change in sorted(chosen, key=lambda each: each.__name__):
        change(tree)
    for change in draw(st.sets(st.sampled_from(NEUTRAL))):
        change(tree, draw)
    text = yaml.safe_dump(
        tree,
        default_flow_style=draw(st.booleans()),
        width=draw(st.sampled_from([60, 1000])),
        sort_keys=draw(st.booleans()),
        default_style=draw(st.sampled_from([None, '"'])),
    )
    return text, {MUTATIONS[change] for change in chosen}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(changed())
def test_a_changed_workflow_breaks_exactly_what_was_changed(case):
    text, expected = case
    assert rules_of(text) == expected


TRIGGERS = {
    "tags: ['20*']": True,
    "tags: ['**', '!v*']": True,
    "tags: ['[0-9]+-[0-9]+']": True,
    "tags: ['v*']": False,
    "tags: ['20*', '!20*-*']": False,
    "branches: ['**']": False,
    "tags-ignore: ['v*']": True,
    "branches: [main]; tags: ['2*']": True,
    "branches: [main]; tags-ignore: ['2*']": False,
}


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(TRIGGERS)), st.sampled_from(["", "success()", "always()"]), WORDS)
def test_whatever_else_a_workflow_says_its_filter_decides(filters, condition, name):
    text = RELEASE.replace('tags: ["20*"]', filters.replace("; ", "\n    "), 1)
    text = text.replace(
        "runs-on:", f"name: {name}\n    if: ${{{{ {condition or True} }}}}\n    runs-on:"
    )
    assert ("CI102" in rules_of(text)) is not TRIGGERS[filters]
