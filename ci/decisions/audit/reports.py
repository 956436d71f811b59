"""The report's files."""

from ci.decisions.audit.document import audit_document
from ci.decisions.audit.escape import visible
from ci.decisions.audit.findings import Audit
from ci.decisions.audit.markdown import render_markdown
from ci.decisions.audit.page import render_page
from ci.decisions.audit.sarif import sarif_document
from ci.decisions.render import render_json


def render_reports(audit: Audit) -> dict[str, str]:
    """Write every form of the report: name to text."""
    return {
        "report.md": render_markdown(audit),
        "report.html": render_page(audit),
        "report.json": render_json(_visible(audit_document(audit))) + "\n",
        "report.sarif": render_json(_visible(sarif_document(audit))) + "\n",
    }


def _visible(value: object) -> object:
    """A document with every text in it made visible."""
    if isinstance(value, dict):
        return {key: _visible(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_visible(each) for each in value]
    return visible(value) if isinstance(value, str) else value
