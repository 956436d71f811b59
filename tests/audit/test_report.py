"""The reports: what they say of the story, whole; and what hostile evidence cannot do to them."""

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ci.decisions.audit.findings import Gap, Quote, Step, finding
from ci.decisions.audit.judge import Seen, judge
from ci.decisions.audit.page_style import STYLE
from ci.decisions.audit.repeat import Call, repeat_command
from ci.decisions.audit.reports import render_reports
from tests.audit.story import (
    DEPLOY_TAG,
    DEPLOY_TAG_PATH,
    QUESTION,
    REGISTRY_FAULTS,
    WORKFLOW_FAULTS,
    registry_seen,
    repository_seen,
    tag,
)

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
HOST_GAP = Gap("the host", "none was named", "pass --host, --key and --known")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1)) ![i](http://evil.example/x.png)",
    "```\n# heading\n<b>\n~~~~",
    "`` ` ``` ````",
    "| cell | <td> |\n| --- | --- |",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x00\x08\r\n",
    "::error file=x::boom\n::set-output name=a::b\n##[error]x",
    "\u202egnp.exe \u2066 \u200b \u2028 \ufeff",
    "http://evil.example www.evil.example a@evil.example @team",
    "</style></main></body></html><!--",
    "&lt;b&gt; &#60;script&#62;",
    "$x^2$ \\(y\\) *a* _b_ ~~c~~ <!-- -->",
]


def story():
    repository = repository_seen({DEPLOY_TAG_PATH: DEPLOY_TAG})
    command = repeat_command(Call("publish", "20260123-170510"))
    question = replace(QUESTION, tag=tag("20260123-170510"), repeat=command)
    return judge(question, Seen(repository, registry_seen(), None, (HOST_GAP,)))


def poisoned(text):
    """The story with this text in every place that others may write."""
    audit = story()
    found = [
        finding(key, text, text, Quote(text, text), path=text.replace("\n", ""), line=1)
        for key in ("CI101", "CI109", "CI201", "CI303")
    ]
    return replace(
        audit,
        findings=tuple(found),
        gaps=(Gap(text, text, text),),
        plan=tuple(Step(each.what, text, text, each.state) for each in audit.plan),
    )


def test_the_story_is_told_with_its_root_cause():
    audit = story()
    assert set(audit.by_rule) == WORKFLOW_FAULTS | REGISTRY_FAULTS
    assert len(audit.by_rule["CI201"]) == 3


def test_the_story_s_report_reads_like_this():
    """`UPDATE_GOLDEN=1` writes the file anew."""
    path, text = GOLDEN / "story.md", render_reports(story())["report.md"]
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


class Tags(HTMLParser):
    """The tags and attributes of a page, and whether they are closed as they should be."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self.stack = set(), set(), [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


EXPECTED_TAGS = Tags(render_reports(story())["report.html"]).tags


def test_the_page_loads_and_runs_nothing():
    page = render_reports(story())["report.html"]
    parsed = Tags(page)
    assert parsed.stack == []
    assert not parsed.tags & {"script", "link", "img", "iframe", "a", "form", "object", "base"}
    assert not parsed.attributes & {"src", "href", "srcset", "action"}
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import", page)
    assert "prefers-color-scheme:dark" in page


def check_harmless(reports):
    page = Tags(reports["report.html"])
    assert page.tags <= EXPECTED_TAGS | {"b", "p", "ul"}
    assert not page.attributes - {
        "class", "style", "title", "lang", "charset", "name", "content", "http-equiv",
    }  # fmt: skip
    rendered = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(reports["report.md"])
    markdown = Tags(rendered)
    assert markdown.tags <= {
        "h1", "h2", "h3", "p", "code", "pre", "strong", "ul", "li", "table", "thead", "tbody",
        "tr", "th", "td",
    }  # fmt: skip
    for name, text in reports.items():
        assert not [c for c in text if not c.isprintable() and c != "\n"], name
        assert "::" not in text.replace(STYLE, ""), name


def test_hostile_evidence_stays_text_in_every_form():
    for text in HOSTILE:
        reports = render_reports(poisoned(text))
        check_harmless(reports)
        jsonschema.validate(json.loads(reports["report.json"]), SCHEMA)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=12), max_size=4).map("".join))
def test_any_evidence_stays_text_in_every_form(text):
    check_harmless(render_reports(poisoned(text)))


def test_the_json_form_keeps_to_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(render_reports(story())["report.json"])
    jsonschema.validate(document, SCHEMA)
    assert document["root_causes"][0] == {"rule": "CI101", "explains": ["CI110", "CI201", "CI204"]}
    assert {each["root_cause"] for each in document["findings"] if each["rule"] == "CI201"} == {
        "CI101"
    }


def test_the_sarif_form_has_what_the_standard_asks_for():
    document = json.loads(render_reports(story())["report.sarif"])
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert document["version"] == "2.1.0"
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run["results"]) == len(story().findings)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"]
        assert place["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    assert run["invocations"][0]["toolExecutionNotifications"]


STAGES = {
    "publish": "./daggerw call --token env:GITHUB_TOKEN publish --tag 20260123-170510",
    "verify": "./daggerw call --token env:GITHUB_TOKEN verify --tag 20260123-170510",
    "check": "./daggerw call check",
    "nonsense; rm -rf /": "",
    "": "",
}


def test_the_command_that_repeats_a_stage_names_places_of_secrets_and_never_a_command():
    for stage, command in STAGES.items():
        assert repeat_command(Call(stage, "20260123-170510")) == command
    call = Call(
        "publish", "", image="localhost:5000/a/b", via="localhost:5000", token="file:///t o/k"
    )
    assert repeat_command(call) == (
        "./daggerw call --image localhost:5000/a/b --via tcp://localhost:5000"
        " --token 'file:/t o/k' publish --tag \"$(./daggerw call tag)\""
    )
    hidden = repeat_command(Call("verify", "20260123-170510", token="cmd://echo hunter2"))
    assert "hunter2" not in hidden
    assert "cmd" not in hidden
