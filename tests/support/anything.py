"""Exchanges with whatever text a service, or somebody who asks one, may have put there."""

from __future__ import annotations

from hypothesis import strategies as st

from seatrial.core import Exchange, Request, Response

LINE = st.text(min_size=1, max_size=20)
HEADERS = st.lists(st.tuples(LINE, st.text(max_size=20)), max_size=3).map(tuple)
URLS = st.tuples(st.sampled_from(["http://h", "http://[::1]:80/", "https://h/a?b=%ff&c#"]), LINE).map("/".join)
REQUESTS = st.builds(Request, method=LINE, url=URLS, headers=HEADERS, body=st.text(max_size=40))
RESPONSES = st.builds(Response, status=st.integers(100, 599), headers=HEADERS, body=st.text(max_size=40))
EXCHANGES = st.builds(
    Exchange,
    id=st.integers(1, 4).map("x-{}".format),
    operation=st.text(max_size=20),
    identity=st.text(max_size=20),
    request=REQUESTS,
    response=st.none() | RESPONSES,
    sent_s=st.floats(0, 1e6),
    received_s=st.floats(0, 1e6),
    error=st.text(max_size=20),
)
