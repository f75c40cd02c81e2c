"""Which metrics rules and dashboards name, and which a service exposes or announces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.manifests import metrics_exposed, metrics_named, read_documents, recorded
from seatrial.manifests._monitoring import WORDS, names_in

METRICS = st.from_regex(r"[a-z_:][a-z0-9_:]{2,12}", fullmatch=True).filter(lambda name: name not in WORDS)
AROUND = st.sampled_from(
    [
        "{}", "rate({}[5m])",
        'sum by (le, job) (rate({}{{a="or {{ b(", c=~`x`}}[$__rate_interval]))',
        "{} offset 5m",
        "{} > bool 1e3", "-{} ^ 2.5", "{} # and more(", "sum without(job)({})", "{{__name__='{}'}}",
        "{}[30m:1m] @ end()",
        "quantile_over_time(0.9, {}[${{range}}])", "label_replace({}, 'a', '$1', 'b', '(.*)')",
    ]
)  # fmt: skip
BINARY = st.sampled_from(
    ["/", "and on (job, instance)", "unless", "* ignoring(code) group_left(a, b)", "or", "== bool"]
)


@given(st.lists(st.tuples(METRICS, AROUND, BINARY), min_size=1, max_size=4))
def test_every_metric_of_an_expression_is_found(parts: list[tuple[str, str, str]]) -> None:
    """And nothing else: no function, label, text, duration, number or word of the language."""
    expression = parts[0][1].format(parts[0][0])
    for name, around, operator in parts[1:]:
        expression += f"\n{operator} {around.format(name)}"
    assert names_in(expression) == {name for name, _, _ in parts}


def test_files_tell_the_line_of_each(tmp_path: Path) -> None:
    """Rules in YAML and panels in JSON alike; what a rule records is no metric that has to be there already."""
    rules = "groups:\n- name: a\n  rules:\n  - record: b:c\n    expr: sum(d_total)\n  - alert: E\n    expr: b:c > 1\n"
    (tmp_path / "a.yml").write_text(rules, encoding="utf-8")
    (document,) = read_documents(tmp_path / "a.yml")
    assert list(metrics_named(document)) == [("d_total", 5), ("b:c", 7)]
    assert recorded(document.value) == {"b:c"}
    (tmp_path / "a.json").write_text('{"panels": [{"targets": [\n{"expr": "f"}]}], "expr": 1}', encoding="utf-8")
    assert list(metrics_named(read_documents(tmp_path / "a.json")[0])) == [("f", 2)]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("# TYPE a_total counter", {"a_total"}),
        ("# TYPE a counter", {"a", "a_total"}),
        ("# TYPE a histogram", {"a", "a_bucket", "a_sum", "a_count"}),
        ("# TYPE a gauge", {"a"}),
        ("# HELP a what it is", set()),
        ('a_bucket{le="1",b="c d"} 3', {"a_bucket"}),
        ("a 1", {"a"}),
        ("", set()),
    ],
)
def test_what_is_announced_is_there(line: str, names: set[str]) -> None:
    """A metric that has no sample before something happened is no false alarm, in either format."""
    assert metrics_exposed(line) == names


def test_panels_of_logs_name_no_metric(tmp_path: Path) -> None:
    """Their expressions are in another language; where a target says so itself, that counts."""
    text = """
panels:
- datasource: {type: loki}
  targets:
  - expr: '{a="b"} | json | level="error"'
  - {expr: up_total, datasource: {type: prometheus}}
- targets: [{expr: d_total}]
"""
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    (document,) = read_documents(tmp_path / "a.yml")
    assert list(metrics_named(document)) == [("up_total", 6), ("d_total", 7)]
