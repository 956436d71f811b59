"""The state that the project's story begins with, and the one that it should end in."""

from datetime import UTC, datetime

from ci.decisions.audit.evidence import RegistrySeen, RepositorySeen
from ci.decisions.audit.fixes import WORKFLOW, WORKFLOW_PATH
from ci.decisions.audit.judge import Question, Seen, judge
from ci.decisions.audit.releases import Wanted
from ci.decisions.tags import parse_release_tag
from ci.oci.digest import parse_digest
from ci.oci.platform import parse_platform
from ci.oci.reference import parse_repository

DEPLOY_TAG_PATH = ".github/workflows/deploy-tag.yml"
DEPLOY_TAG = """\
name: Deploy tag
on:
  push:
    tags: ["20*"]
  workflow_dispatch:
    inputs:
      image_tag:
        description: Tag to deploy
        required: true
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - name: Compute IMAGE_TAG
        run: |
          if [ -n "${{ github.event.inputs.image_tag }}" ]; then
            echo "IMAGE_TAG=${{ github.event.inputs.image_tag }}" >> "$GITHUB_ENV"
          else
            echo "IMAGE_TAG=${GITHUB_REF_NAME}" >> "$GITHUB_ENV"
          fi
      - name: Deploy over SSH
        env:
          HOST: ${{ secrets.HOST }}
        run: |
          ssh -o StrictHostKeyChecking=no "$HOST" "cd /srv/observer && ./deploy.sh $IMAGE_TAG"
      - name: Health check
        env:
          HOST: ${{ secrets.HOST }}
        run: |
          sleep 5
          curl -fsS "http://$HOST:8000/health" || true
"""
# What the story's workflow is found to do wrong, and what the registry then lacks.
WORKFLOW_FAULTS = {
    "CI101", "CI106", "CI109", "CI110", "CI111", "CI112", "CI114", "CI115", "CI116",
}  # fmt: skip
REGISTRY_FAULTS = {"CI201", "CI204"}

RELEASE = (
    WORKFLOW
    + """\
  deploy:
    needs: publish
    runs-on: ubuntu-24.04
    environment: production
    permissions:
      contents: read
      packages: read
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          ref: refs/tags/${{ inputs.image_tag || github.ref_name }}
          persist-credentials: false
      - run: >-
          ./daggerw call --token env:GITHUB_TOKEN
          deploy --tag "$TAG" --host "$HOST" --key env:KEY --known "$KNOWN"
        env:
          TAG: ${{ inputs.image_tag || github.ref_name }}
          GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}
          HOST: ${{ vars.DEPLOY_HOST }}
          KNOWN: ${{ vars.DEPLOY_KNOWN_HOSTS }}
          KEY: ${{ secrets.DEPLOY_KEY }}
"""
)
RELEASE_PATH = WORKFLOW_PATH
TAGS = ("20260121-090000", "20260122-181500", "20260123-170510")
LATEST = parse_digest("sha256:ec0abf09f448fd8139e7274f53ea64339efbb5d043ef60e814f8ef801f4a53e8")
MOMENT = datetime(2026, 1, 23, 18, 0, tzinfo=UTC)
WANTED = Wanted((parse_platform("linux/amd64"),), UTC)
QUESTION = Question("ghcr.io/acme/observer", None, MOMENT, WANTED)


def tag(name):
    return parse_release_tag(name, UTC)


def repository_seen(files, tags=TAGS):
    return RepositorySeen(files, tuple(map(tag, tags)))


def registry_seen(*releases, names=("latest",), latest=LATEST):
    repository = parse_repository("ghcr.io/acme/observer")
    return RegistrySeen(repository, names, latest, MOMENT, releases)


def audit_of(files, *, question=QUESTION):
    """The audit of workflow files alone."""
    return judge(question, Seen(repository_seen(files, ()), None, None, ()))


def rules_of(text, path=RELEASE_PATH):
    """The rules that one workflow breaks."""
    return set(audit_of({path: text}).by_rule)
