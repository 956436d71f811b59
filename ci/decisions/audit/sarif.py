"""The audit as SARIF 2.1.0, for code scanning and editors.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

import hashlib
import re

from ci.decisions.audit.escape import one_line
from ci.decisions.audit.findings import Audit, Finding
from ci.decisions.audit.rules import RULES, Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Code scanning takes a result only with a place in the repository.
_NO_PLACE = "ci.toml"


def sarif_document(audit: Audit) -> dict[str, object]:
    """One run, with the rules that are broken and each finding as a result."""
    keys = list(audit.by_rule)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "ci-audit", "rules": [_rule(RULES[k]) for k in keys]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, keys.index(each.rule.id)) for each in audit.findings],
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "endTimeUtc": audit.moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "toolExecutionNotifications": [
                            {"level": "warning", "message": {"text": _text(f"{g.what}: {g.why}")}}
                            for g in audit.gaps
                        ],
                    }
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": {"tags": [str(rule.area)]},
    }


def _result(each: Finding, index: int) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": _uri(each.path or _NO_PLACE)}}
    if each.line > 0:
        place["region"] = {"startLine": each.line}
    same = "\n".join((each.rule.id, each.subject, each.path, each.seen))
    return {
        "ruleId": each.rule.id,
        "ruleIndex": index,
        "level": str(each.rule.severity),
        "message": {"text": _text(f"{each.subject}: {each.seen}")},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"finding/v1": hashlib.sha256(same.encode()).hexdigest()},
    }


def _text(text: str) -> str:
    """Plain text: brackets would make a link, single braces a placeholder."""
    escaped = re.sub(r"([\\\[\]])", r"\\\1", one_line(text, 1000))
    return escaped.replace("{", "{{").replace("}", "}}")


def _uri(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/-]", lambda m: "".join(f"%{b:02X}" for b in m[0].encode()), path)
