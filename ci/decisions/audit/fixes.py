"""The smallest change that takes a root cause away, as text to be copied."""

from ci.decisions.audit.rules import RULES

WORKFLOW_PATH = ".github/workflows/release.yml"
WORKFLOW = """\
name: release
on:
  push:
    tags: ["20*"]
  workflow_dispatch:
    inputs:
      image_tag:
        description: A release tag that is in the repository
        required: true
permissions: {}
concurrency:
  group: publish-${{ inputs.image_tag || github.ref_name }}
  cancel-in-progress: false
jobs:
  publish:
    runs-on: ubuntu-24.04
    permissions:
      contents: read
      packages: write
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          ref: refs/tags/${{ inputs.image_tag || github.ref_name }}
          persist-credentials: false
      - run: ./daggerw call --token env:GITHUB_TOKEN publish --tag "$TAG"
        env:
          TAG: ${{ inputs.image_tag || github.ref_name }}
          GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}
"""
_TRIGGER = """\
on:
  push:
    tags: ["20*"]
"""
_TEXTS = {"CI101": WORKFLOW, "CI102": _TRIGGER, "CI103": _TRIGGER}


def fix_of(key: str) -> tuple[str, str, str]:
    """What to do about a rule: in words, the file it belongs in, and its text; both may be ""."""
    path = WORKFLOW_PATH if key == "CI101" else ""
    return RULES[key].fix, path, _TEXTS.get(key, "")
