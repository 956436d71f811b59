"""What is counted is counted right; nothing is deployed here."""

from tests.board.figures import Counts, Figure, figures


def test_each_figure_says_in_how_many_runs():
    counts = Counts(
        wrong_image=[False] * 300,
        false_success={"a crash loop": [False, True, False]},
        down_after_kill=[True, False],
        down_after_recovery=[False, False],
        recovery_s=[1.0, 2.0, 9.0],
        locked=[False],
        next_broken=[False, False],
    )
    assert figures(counts) == [
        Figure("success told of a crash loop", 3, "1"),
        Figure(
            "success told while another image ran", 300, "0; fewer than 1.0%, by the rule of three"
        ),
        Figure("the next deploy broken by a SIGKILL", 2, "0"),
        Figure("a lock left behind by a SIGKILL", 1, "0"),
        Figure("service down 5 s after a SIGKILL", 2, "1"),
        Figure("service down after recovery", 2, "0"),
        Figure("time to recover from a SIGKILL", 3, "2.0 s in the middle, 9.0 s at most"),
    ]
