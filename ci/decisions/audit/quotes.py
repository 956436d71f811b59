"""What a finding shows of a file, a registry or a host, with the command that shows it again."""

from ci.decisions.audit.findings import Quote
from ci.decisions.audit.workflow import Workflow

_WIDTH = 160


def excerpt(workflow: Workflow, path: str, line: int, *, more: int = 0) -> Quote:
    """Quote lines of a workflow; of another file that it calls, only the command."""
    first = max(line, 1)
    command = f"sed -n '{first},{first + more}p' {path}" if more else f"sed -n '{first}p' {path}"
    if path != workflow.path:
        return Quote(command, f"called by {workflow.path}")
    lines = workflow.text.split("\n")[first - 1 : first + more]
    return Quote(command, "\n".join(text[:_WIDTH] for text in lines).rstrip())
