"""Requests at a fixed pace: what they show of a service that was away."""

import http.server
import threading
import time

from rehearsal.load import Answer, Load, figures


def answers(text):
    """One answer each 10 ms: `.` is good, `x` is none."""
    return [Answer(n / 100, 0.001 * n, 200 if c == "." else 0, "{}") for n, c in enumerate(text)]


def test_a_gap_lasts_from_the_first_lost_request_to_the_next_good_one():
    seen = figures(answers("..xxx.x..xx"))
    assert (seen.sent, seen.lost) == (11, 6)
    assert round(seen.gap_s, 3) == 0.03
    assert figures(answers("....")).gap_s == 0
    # As long as one knows: nobody saw it end.
    assert round(figures(answers(".xxxx")).gap_s, 3) == 0.03


def test_an_answer_that_was_cut_off_is_lost():
    assert figures([Answer(0, 0.1, 200, "")]).lost == 1


def test_a_good_answer_may_be_slow():
    assert figures(answers("...x")).slowest_s == 0.002


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers each request half a second late."""

    def do_GET(self):
        time.sleep(0.5)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *words):
        pass


def test_a_slow_service_is_asked_no_less_often():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Load("127.0.0.1", server.server_port, per_s=50) as load:
            time.sleep(1)
        server.shutdown()
    # One after another there would be two.
    assert len(load.answers) > 10
    assert {(each.status, each.body) for each in load.answers} == {(200, "here")}


def test_a_service_that_is_not_there_loses_everything():
    with Load("127.0.0.1", 1) as load:
        time.sleep(0.2)
    seen = figures(load.answers)
    assert seen.sent == seen.lost > 5
