"""Ports for servers: free, never twice, and none that the system gives to outgoing connections."""

import socket

from dev.stack.processes import PORTS, free_port


def test_ports_differ_and_lie_below_those_of_outgoing_connections() -> None:
    found = [free_port() for _ in range(20)]
    assert len(set(found)) == 20
    assert set(found) <= set(PORTS)


def test_a_port_that_is_listened_on_is_passed_over() -> None:
    following = PORTS[(PORTS.index(free_port()) + 1) % len(PORTS)]
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", following))
            server.listen()
        except OSError:  # somebody else listens there
            pass
        assert free_port() != following
