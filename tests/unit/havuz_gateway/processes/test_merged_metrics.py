"""Several processes' metrics on one page, each series with the process that it is from."""

from havuz_gateway.processes.merged_metrics import merge

ONE = b"""# HELP a_total What a counts.
# TYPE a_total counter
a_total{model="m",text="{x} y"} 1
a_total 2
# HELP b A gauge.
# TYPE b gauge
b 0.5
"""
TWO = b"""# HELP c Only here.
# TYPE c gauge
c{worker_name="w"} 7
# HELP a_total What a counts.
# TYPE a_total counter
a_total 3
"""


def test_samples_of_a_metric_stand_together_with_one_description_and_a_label_each() -> None:
    assert merge({"1": ONE, "2": TWO}).decode().splitlines() == [
        "# HELP a_total What a counts.",
        "# TYPE a_total counter",
        'a_total{worker="1",model="m",text="{x} y"} 1',
        'a_total{worker="1"} 2',
        'a_total{worker="2"} 3',
        "# HELP b A gauge.",
        "# TYPE b gauge",
        'b{worker="1"} 0.5',
        "# HELP c Only here.",
        "# TYPE c gauge",
        'c{worker="2",worker_name="w"} 7',
    ]


def test_nothing_of_nobody_is_nothing() -> None:
    assert merge({}) == b""
    assert merge({"1": b""}) == b""
