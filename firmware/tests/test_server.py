"""The board's own HTTP: its pages, who may not hold it up, and whose turn it is."""

import errno
import json

import fakes
from link_board import Board
from node.status import lines as status_lines

HEALTH = b"GET /health HTTP/1.1\r\nHost: board\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: board\r\n\r\n"


def unframed(answer):
    """(status, head, body) of an answer in chunks; fails when it has no last one."""
    head, rest = answer.split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding: chunked" in head
    body = b""
    while True:
        length, rest = rest.split(b"\r\n", 1)
        length = int(length, 16)
        body += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
        if not length:
            assert rest == b""
            return int(head.split(b" ")[1]), head, body


class Served(Board):
    """A board that serves HTTP, its coordinator idle."""

    def setUp(self):
        super().setUp()
        self.start(http={"port": 8080})
        self.server = self.client.server
        self.run_s(3)

    def visit(self, *pieces, **how):
        visitor = fakes.Visitor(*pieces, **how)
        self.hardware.network.visitors.append(visitor)
        return visitor

    def ask(self, request, duration_s=3):
        visitor = self.visit(request)
        self.run_s(duration_s)
        self.assertTrue(visitor.closed)
        return unframed(visitor.got)

    def expect_problem(self, request, status, kind, duration_s=3):
        """The problem's document."""
        got, head, body = self.ask(request, duration_s)
        self.assertEqual(got, status)
        self.assertTrue(b"application/problem+json" in head)
        problem = json.loads(body)
        self.assertEqual(problem["type"], "https://headroom.invalid/problems/" + kind)
        self.assertEqual(problem["status"], status)
        self.assertEqual(self.server.responses[status], 1)
        return problem


class Pages(Served):
    def test_health_of_a_board_that_protects(self):
        status, _head, body = self.ask(HEALTH)
        self.assertEqual(status, 200)
        document = json.loads(body)
        self.assertEqual((document["status"], document["reason"]), ("ok", ""))

    def test_health_names_the_sensor_that_fails(self):
        self.node.readings.take = lambda _i, _state, _current_ma: None
        self.run_s(1)
        status, _head, body = self.ask(HEALTH)
        self.assertEqual(status, 503)
        self.assertEqual(json.loads(body)["reason"], "circuit 0: reading is stale")

    def test_health_names_what_keeps_circuits_open(self):
        self.node.safety.orders_unknown = True
        status, _head, body = self.ask(HEALTH)
        self.assertEqual((status, json.loads(body)["reason"]), (503, "circuit 0: safe_boot"))

    def test_health_while_circuits_wait_their_turn_after_a_start(self):
        self.start(http={"port": 8080}, timing={"boot_delay_s": [60, 60]})
        self.run_s(3)
        status, _head, body = self.ask(HEALTH)
        self.assertEqual(self.node.relays.reason[0], "hold")
        self.assertEqual((status, json.loads(body)["reason"]), (200, ""))

    def test_status_tells_of_the_server(self):
        self.expect_line("http errors 0 ")
        visitor = self.visit()
        self.run_s(4)
        self.assertTrue(visitor.closed)
        self.expect_line("http errors 1 %s" % self.server.last_error)

    def expect_line(self, expected):
        self.assertEqual(status_lines(self.node)[-1], expected)

    def test_metrics_tell_of_every_circuit(self):
        self.node.names[1] = 'a "b"\\c'
        take = self.node.readings.take
        self.node.readings.take = lambda i, state, current_ma: take(
            i, "frozen" if i == 3 else state, current_ma
        )
        self.run_s(1)
        status, head, body = self.ask(METRICS)
        self.assertEqual(status, 200)
        self.assertTrue(b"text/plain; version=0.0.4" in head)
        lines = body.decode().split("\n")
        node = "headroom_node_"
        for line in (
            "# TYPE headroom_node_circuit_current_amperes gauge",
            node + 'circuit_info{circuit="1",name="a \\"b\\"\\\\c",reason="plan",sensor="ok"} 1',
            node + 'circuit_current_amperes{circuit="3"} NaN',
            node + 'circuit_relay_closed{circuit="0"} 1',
            node + 'circuit_info{circuit="3",name="load 3",reason="plan",sensor="frozen"} 1',
            node + 'phase_limit_amperes{phase="L1"} 12.000',
            node + "boots_total 2",
            node + "heap_free_bytes 20000",
            node + "signal_dbm -61",
            node + 'http_responses_total{code="200"} 1',
            node + "link_refused_total 0",
        ):
            self.assertTrue(line in lines, line)
        current = node + 'circuit_current_amperes{circuit="0"} 1.6'
        self.assertTrue(any(line.startswith(current) for line in lines))

    def test_the_slowest_ticks_are_fast_enough_for_the_longest_page(self):
        timing = {"tick_ms": 200, "boot_delay_s": [0, 0]}
        circuits = [fakes.board_circuit(i) for i in range(2)]
        self.start(http={"port": 8080}, timing=timing, circuits=circuits)
        self.server = self.client.server
        self.run_s(3)
        self.assertEqual(self.ask(METRICS, 4)[0], 200)

    def test_what_is_not_there_and_what_is_not_done(self):
        for request, status, kind in (
            (b"GET / HTTP/1.1\r\n\r\n", 404, "not-found"),
            (b"GET /metricsx HTTP/1.1\r\n\r\n", 404, "not-found"),
            (b"POST /health HTTP/1.1\r\n\r\n", 405, "method-not-allowed"),
            (b"GET /charge HTTP/1.1\r\n\r\n", 405, "method-not-allowed"),
            (b"\x00\xff\x80\r\n\r\n", 404, "not-found"),
            (b"x" * 2000, 413, "too-large"),
            (b"POST /charge HTTP/1.1\r\n\r\n", 411, "length-required"),
            (b"POST /charge HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411, "length-required"),
            (b"POST /charge HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 411, "length-required"),
            (
                b"POST /charge HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + b"x" * 999,
                413,
                "too-large",
            ),
        ):
            self.setUp()
            self.expect_problem(request, status, kind)

    def test_nothing_of_it_is_there_unless_it_is_configured(self):
        self.hardware.network.listener = None
        self.start()
        self.run_s(3)
        self.assertTrue(self.client.server is None and self.hardware.network.listener is None)


class Visitors(Served):
    def expect_dropped(self, visitor, error=errno.ETIMEDOUT):
        """Dropped within the deadline of 3 s; the board serves the next."""
        self.run_s(4)
        self.assertTrue(visitor.closed)
        self.assertEqual(self.server.errors, 1)
        self.assertTrue(str(error) in self.server.last_error, self.server.last_error)
        self.assertEqual(self.ask(HEALTH)[0], 200)

    def test_one_that_says_nothing(self):
        self.expect_dropped(self.visit())

    def test_one_that_says_a_byte_at_a_time(self):
        self.expect_dropped(self.visit(*[b"G"] * 500))

    def test_one_whose_body_never_comes(self):
        head = b"POST /charge HTTP/1.1\r\nContent-Length: 50\r\n\r\n"
        self.expect_dropped(self.visit(head))

    def test_one_that_reads_nothing(self):
        self.expect_dropped(self.visit(METRICS, takes=0))

    def test_one_that_reads_slowly(self):
        self.expect_dropped(self.visit(METRICS, takes=2))

    def test_one_that_leaves(self):
        self.expect_dropped(self.visit(b"GET /he", ends=True), errno.ECONNRESET)

    def test_one_that_breaks_off(self):
        visitor = self.visit(METRICS)

        def broken(_data):
            raise OSError(errno.ECONNRESET, "reset")

        visitor.send = broken
        self.expect_dropped(visitor, errno.ECONNRESET)

    def test_a_request_in_pieces_is_one(self):
        visitor = self.visit(*[HEALTH[k : k + 3] for k in range(0, len(HEALTH), 3)])
        self.run_s(3)
        self.assertEqual(unframed(visitor.got)[0], 200)

    def test_many_in_a_row_are_all_served_and_reports_go_on(self):
        reports = len(self.coordinator.reports)
        visitors = [self.visit(HEALTH, takes=999) for _ in range(50)]
        self.run_s(30)
        self.assertEqual([unframed(visitor.got)[0] for visitor in visitors], [200] * 50)
        self.assertTrue(len(self.coordinator.reports) - reports >= 2)
        self.assertEqual((self.client.errors, self.server.errors), (0, 0))


class Turns(Served):
    def test_a_report_waits_for_one_slow_visitor_at_most(self):
        visitors = [self.visit() for _ in range(20)]
        before = len(self.coordinator.reports)
        self.run_s(60)
        up_s = [report["up_s"] for report in self.coordinator.reports[before:]]
        waits = [up_s[k + 1] - up_s[k] for k in range(len(up_s) - 1)]
        self.assertTrue(len(waits) >= 3 and max(waits) <= 10 + 3 + 1, waits)
        self.assertEqual(self.client.errors, 0)
        self.assertTrue(sum(visitor.closed for visitor in visitors) >= 10)

    def test_a_report_is_whole_though_the_buffer_was_used_for_a_page(self):
        for _ in range(12):
            self.visit(METRICS)
            self.run_s(1)
        self.assertEqual(self.client.errors, 0)
        self.assertTrue(self.client.answers >= 2)

    def test_control_is_not_held_up(self):
        for _ in range(5):
            self.visit()
        fed = self.hardware.fed
        self.run_s(10)
        self.assertEqual(self.hardware.fed - fed, 10_000 // self.node.tick_ms)

    def test_a_port_that_is_taken_is_named_and_tried_again(self):
        self.hardware.network.taken = True
        self.start(http={"port": 8080})
        self.server = self.client.server
        self.run_s(50)
        self.assertEqual(self.server.errors, 1)
        self.assertTrue("in use" in self.server.last_error)
        self.assertTrue(self.client.answers >= 3)
        self.hardware.network.taken = False
        self.run_s(30)
        self.assertEqual(self.ask(HEALTH)[0], 200)

    def test_an_error_within_ends_that_visitor_only(self):
        self.node.heap_free = None
        visitor = self.visit(METRICS)
        self.run_s(3)
        self.assertTrue(visitor.closed)
        self.assertFalse(visitor.got.endswith(b"0\r\n\r\n"))
        self.assertTrue("TypeError" in self.server.last_error)
        self.assertEqual(self.ask(HEALTH)[0], 200)
