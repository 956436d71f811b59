"""Each rule about workflows, on a right one that was changed in one place."""

from pathlib import Path

import pytest

from ci.decisions.audit.fixes import WORKFLOW, fix_of
from tests.audit.story import (
    DEPLOY_TAG,
    DEPLOY_TAG_PATH,
    RELEASE,
    RELEASE_PATH,
    WORKFLOW_FAULTS,
    audit_of,
    rules_of,
)

CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"
CALL = './daggerw call --token env:GITHUB_TOKEN publish --tag "$TAG"'
DOCKER = """\
- run: |
          echo "$GITHUB_TOKEN" | docker login ghcr.io -u x --password-stdin
          docker build -t "ghcr.io/acme/observer:$TAG" app
          docker push "ghcr.io/acme/observer:$TAG"
"""


def test_the_fix_and_the_whole_release_break_no_rule():
    assert rules_of(WORKFLOW) == set()
    assert rules_of(RELEASE) == set()


def test_this_repository_s_own_workflows_break_no_rule():
    root = Path(__file__).parents[2]
    paths = sorted((root / ".github" / "workflows").glob("*.yml"))
    files = {str(path.relative_to(root)): path.read_text() for path in paths}
    found = audit_of(files).findings
    assert [(each.rule.id, each.path, each.line, each.seen) for each in found] == []


def test_the_story_s_workflow_breaks_every_rule_that_it_broke():
    assert rules_of(DEPLOY_TAG, DEPLOY_TAG_PATH) == WORKFLOW_FAULTS


CHANGES = {
    "no tags": ('tags: ["20*"]', 'branches: ["main"]', {"CI102", "CI103"}),
    "other tags": ('tags: ["20*"]', 'tags: ["v*"]', {"CI102"}),
    "tags of last year": ('tags: ["20*"]', 'tags: ["2025*"]', {"CI102"}),
    "taken back": ('tags: ["20*"]', 'tags: ["20*", "!202*"]', {"CI102"}),
    "both filters": ('tags: ["20*"]', 'tags: ["20*"]\n    tags-ignore: ["v*"]', {"CI101", "CI117"}),
    "by hand alone": ('push:\n    tags: ["20*"]\n  ', "", {"CI102"}),
    "shut out": ("publish:\n    runs",
                 "publish:\n    if: github.ref == 'refs/heads/main'\n    runs", {"CI102"}),
    "perhaps": ("publish:\n    runs",
                "publish:\n    if: github.event_name == 'push' || inputs.publish\n    runs", set()),
    "no packages": ("      packages: write\n", "", {"CI105"}),
    "no contents": ("      contents: read\n      packages: write", "      packages: write",
                    {"CI105"}),
    "read-all": ("permissions:\n      contents: read\n      packages: write",
                 "permissions: read-all", {"CI105"}),
    "write-all": ("permissions:\n      contents: read\n      packages: write",
                  "permissions: write-all", {"CI106"}),
    "contents: write": ("contents: read\n      packages: write",
                        "contents: write\n      packages: write", {"CI106"}),
    "packages: write to deploy": ("packages: read", "packages: write", {"CI106"}),
    "not pinned": (CHECKOUT, "actions/checkout@v5", {"CI107"}),
    "short pin": (CHECKOUT, "actions/checkout@08c6903", {"CI107"}),
    "race": ("    needs: publish\n", "", {"CI108"}),
    "injected": ('publish --tag "$TAG"', "publish --tag ${{ github.ref_name }}", {"CI109"}),
    "injected input": ('publish --tag "$TAG"', "publish --tag ${{ inputs.image_tag }}", {"CI109"}),
    "harmless": ('publish --tag "$TAG"', 'publish --tag "$TAG" ${{ github.sha }}', set()),
    "ignored": ('publish --tag "$TAG"', 'publish --tag "$TAG" || true', {"CI111"}),
    "goes on": (f"- run: {CALL}", f"- continue-on-error: true\n        run: {CALL}", {"CI111"}),
    "no host key": (f"run: {CALL}",
                    f"run: GIT_SSH_COMMAND='ssh -o StrictHostKeyChecking=no' {CALL}", {"CI112"}),
    "scanned host key": (f"run: {CALL}", f"run: ssh-keyscan h >> ~/.ssh/known_hosts; {CALL}",
                         {"CI112"}),
    "password": (f"run: {CALL}", f'run: docker login -u x -p "$GITHUB_TOKEN"; {CALL}', {"CI113"}),
    "no concurrency": (
        RELEASE[RELEASE.index("concurrency:") : RELEASE.index("jobs:")], "", {"CI116"}),
    "cut off": ("cancel-in-progress: false", "cancel-in-progress: true", {"CI116"}),
    "elsewhere": (CALL, "make publish", {"CI118"}),
    "docker": (f"- run: {CALL}\n", DOCKER, set()),
    "only said": (CALL, f"echo '{CALL}'", {"CI101", "CI106", "CI110"}),
    "fixed tag": (f"- run: {CALL}\n", DOCKER.replace(":$TAG", ":latest"), {"CI110"}),
    "broken": ("jobs:\n", "jobs:\n\t- x\n", {"CI101", "CI117"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_breaks_its_rule_and_no_other(name):
    old, new, expected = CHANGES[name]
    assert old in RELEASE
    changed = RELEASE.replace(old, new, 1)
    assert rules_of(changed) == expected


PUBLISHING_STEPS = [
    "uses: docker/build-push-action@{pin}\n        with: {{push: true, tags: 'g/o:$TAG'}}",
    "uses: docker/build-push-action@{pin}\n        with: {{push: '${{{{ inputs.push }}}}'}}",
    "run: docker buildx build --platform linux/amd64,linux/arm64 -t g/o:$TAG --push .",
    "run: skopeo copy oci:image docker://ghcr.io/acme/observer:$TAG",
    "run: crane push image.tar ghcr.io/acme/observer:$TAG",
    "run: dagger call publish --tag $TAG",
    "run: cd x && ../daggerw call release --tag $TAG --host h",
    "uses: dagger/dagger-for-github@{pin}\n        with: {{args: publish --tag $TAG}}",
]


@pytest.mark.parametrize("step", PUBLISHING_STEPS)
def test_every_usual_way_to_publish_is_known(step):
    text = WORKFLOW.replace(f"run: {CALL}", step.format(pin="a" * 40))
    assert rules_of(text) <= {"CI114", "CI115", "CI111"}


@pytest.mark.parametrize(
    "step",
    [
        "uses: docker/build-push-action@{pin}\n        with: {{push: false}}",
        "uses: docker/build-push-action@{pin}",
        "run: docker build -t ghcr.io/acme/observer:$TAG .",
        "run: |\n          # docker push ghcr.io/acme/observer\n          true",
        "run: skopeo copy docker://ghcr.io/acme/observer:$TAG oci:image",
        "run: git push origin $TAG",
    ],
)
def test_what_only_builds_or_pulls_does_not_publish(step):
    text = WORKFLOW.replace(f"run: {CALL}", step.format(pin="a" * 40))
    assert "CI101" in rules_of(text)


def test_a_workflow_run_is_followed_and_told():
    deploying = RELEASE.partition("  deploy:\n")[2].replace("    needs: publish\n", "")
    after = (
        "name: deploy\non: {workflow_run: {workflows: [release], types: [completed]}}\n"
        "permissions: {}\nconcurrency: {group: deploy}\njobs:\n  deploy:\n" + deploying
    )
    audit = audit_of({RELEASE_PATH: WORKFLOW, ".github/workflows/deploy.yml": after})
    assert set(audit.by_rule) == {"CI104"}


def test_two_workflows_that_one_tag_starts_race():
    other = RELEASE.replace(RELEASE.partition("jobs:\n")[2].partition("  deploy:\n")[0], "")
    other = other.replace("    needs: publish\n", "").replace("name: release", "name: deploy")
    audit = audit_of({RELEASE_PATH: WORKFLOW, ".github/workflows/deploy.yml": other})
    assert set(audit.by_rule) == {"CI108"}


def test_a_called_workflow_and_an_action_of_the_repository_are_read():
    publishing = WORKFLOW.replace('on:\n  push:\n    tags: ["20*"]\n', "on:\n  workflow_call: {}\n")
    caller = (
        "on: {push: {tags: ['20*']}}\npermissions: {}\nconcurrency: {group: g}\njobs:\n"
        "  publish:\n    permissions: {contents: read, packages: write}\n"
        "    uses: ./.github/workflows/publish.yml\n"
    )
    files = {RELEASE_PATH: caller, ".github/workflows/publish.yml": publishing}
    assert set(audit_of(files).by_rule) == set()

    action = (
        "runs:\n  using: composite\n  steps:\n    - run: docker push g/o:$TAG\n      shell: sh\n"
    )
    text = WORKFLOW.replace(f"run: {CALL}", "uses: ./.github/actions/publish")
    files = {RELEASE_PATH: text, ".github/actions/publish/action.yml": action}
    assert set(audit_of(files).by_rule) == set()
    assert "CI118" in rules_of(text)


def test_without_any_workflow_the_cause_is_that_nothing_publishes():
    assert set(audit_of({}).by_rule) == {"CI101"}


@pytest.mark.parametrize("key", ["CI101", "CI102", "CI103"])
def test_a_fix_that_has_a_text_is_taken_from_a_right_workflow(key):
    words, _, text = fix_of(key)
    assert words
    assert text in WORKFLOW
