"""The page of `python -m bench deploy`: nothing is measured here."""

from bench.deploys_report import GOOD, Deployed, render_deploys
from rehearsal.load import Figures

ABOUT = {
    "per_s": 100,
    "limit_s": 10.0,
    "window": 3,
    "probes": 3,
    "timeout": 10,
    "by_hand": "by hand",
    "after_s": 5.0,
    "machine": "this one",
}


def test_losses_add_up_gaps_are_the_largest_and_times_the_middle():
    found = [
        Deployed("crash", "stop", "CrashLoop", Figures(500, lost, gap, 0.5), 1, took, 2.0, 9.0)
        for lost, gap, took in ((10, 0.1, 1.0), (20, 0.2, 3.0), (0, 0.0, 2.0))
    ]
    found.append(Deployed("crash", "by hand", "exit 0", Figures(9, 9, 4.0, 0.0), 0, None, None, 1))
    found.append(Deployed(GOOD, "stop", "Done", Figures(9, 1, 0.1, 0.1), 0, None, None, 1))
    rows = [
        line
        for line in render_deploys(found, ABOUT).splitlines()
        if line.startswith(("| c", "| a"))
    ]
    assert rows == [
        "| crash | stop | CrashLoop | 3 | 1500 | 30 | 0.20 | 3 | 0.50 | 2.0 | 2.0 | 9.0 |",
        "| crash | by hand | exit 0 | 1 | 9 | 9 | 4.00 | 0 | 0.00 | never | never | 1.0 |",
        "| a good release | stop | Done | 1 | 9 | 1 | 0.10 | 0 | 0.10 |  |  | 1.0 |",
    ]
