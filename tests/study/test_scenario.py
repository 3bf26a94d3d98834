"""Scenarios: units at the door, and one line for whatever is wrong."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.schema.scenario import read_scenario

GOOD = """\
name: Llama in Texas
year: 2026
model: llama-3.1-405b
training:
  tokens: 15.6T tokens
  sequence: 8192 tokens
  global_batch: 2048 sequences
  number_format: bf16
machine:
  chip: H100-SXM5-80GB
  count: 16,384
site:
  name: abilene-texas
supply:
  plants: [grid, solar]
  carbon_limit: 100 g/kWh
"""


def read(tmp_path: Path, text: str):
    file = tmp_path / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    return read_scenario(file)


def test_reads_units_into_si(tmp_path):
    scenario = read(tmp_path, GOOD).scenario
    assert scenario.training.tokens == 15.6e12
    assert scenario.training.global_batch == ("sequence", 2048.0)
    assert scenario.machine.count == 16384
    assert scenario.supply.carbon_limit == pytest.approx(0.1 / 3.6e6)


def test_remembers_where_each_key_stands(tmp_path):
    loaded = read(tmp_path, GOOD)
    assert loaded.lines["machine.chip"] == 10
    assert loaded.where("machine.chip").endswith("scenario.yaml:10")
    assert loaded.where("software.framework") == ""


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        (
            "chip:",
            "chpi:",
            10,
            "machine.chpi",
            "unknown key; allowed: chip, count, power.*did you mean 'chip'",
        ),
        ("15.6T tokens", "15.6", 5, "training.tokens", "the unit is missing; given '15.6'"),
        ("15.6T tokens", "-1 tokens", 5, "training.tokens", "out of range; given '-1 tokens'"),
        ("15.6T tokens", "3 GW", 5, "training.tokens", "'GW' is the wrong kind of unit here"),
        ("15.6T tokens", "15.6T tokns", 5, "training.tokens", "unknown unit"),
        ("16,384", "0", 11, "machine.count", "not a count; given '0'; allowed: a whole number"),
        ("16,384", "-4", 11, "machine.count", "not a count"),
        ("16,384", "2.5", 11, "machine.count", "not a count"),
        ("100 g/kWh", "100", 16, "supply.carbon_limit", "the unit is missing.*'100 g/kWh'"),
        ("bf16", "bf61", 8, "training.number_format", "unknown value.*did you mean 'bf16'"),
        (
            "2048 sequences",
            "2048",
            7,
            "training.global_batch",
            'not a batch.*"16M tokens" or "2048 sequences"',
        ),
        ("year: 2026", "year: 1999", 2, "year", "out of range; given 1999; allowed: 2010 to 2050"),
        ("year: 2026", "year: soon", 2, "year", "valid integer"),
        ("  count: 16,384\n", "", 9, "machine", "count or as power"),
        ("[grid, solar]", "7", 15, "supply.plants", "list"),
        ("model: llama-3.1-405b\n", "", 1, "model", "this key is needed"),
        ("  tokens: 15.6T tokens\n", "", 4, "training.tokens", "this key is needed"),
        ("year: 2026", "name: again", 2, "name", "stands twice; given 'first in line 1'"),
    ],
)
def test_one_line_names_place_and_mend(tmp_path, old, new, line, key, says):
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert "\n" not in text
    assert f"scenario.yaml:{line}: {key}: " in text


def test_rare_columns_of_a_layout(tmp_path):
    layout = "layout:\n  schedule: zb-h1\n  shard: 8\n  offload: optimizer\n  widen: offload, schedule\n"
    found = read(tmp_path, GOOD.rstrip() + "\n" + layout).scenario.layout
    assert (found.schedule, found.shard, found.offload) == ("zb-h1", 8, "optimizer")
    assert found.widen == ("schedule", "offload")
    every = read(tmp_path, GOOD.rstrip() + "\nlayout:\n  shard: all\n  widen: all\n").scenario.layout
    assert (every.shard, every.widen) == (0, ("schedule", "shard", "offload"))


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        ("schedule: zb", "layout.schedule: "),
        ("shard: 2.5", "layout.shard: not a number of ranks"),
        ("offload: al", "layout.offload: "),
        ("widen: shards", "layout.widen: no such column .* did you mean 'shard'"),
        ("widen: 3", "layout.widen: not a list of columns"),
    ],
)
def test_rare_columns_that_are_none(tmp_path, layout, says):
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, GOOD.rstrip() + f"\nlayout:\n  {layout}\n")
    assert "\n" not in str(caught.value)


SERVING = """\
model: llama-3.1-70b
serving:
  demand: 72k requests/h
  shape: [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
  acceptance: 70 %
  guesses: 3
  layout:
    tensor: 4
  autoscaling:
    minimum: 30 %
machine:
  chip: H100-SXM5-80GB
site:
  name: virginia
"""


def test_reads_what_is_served(tmp_path):
    loaded = read(tmp_path, SERVING)
    assert loaded.serves
    assert loaded.scenario.training is None
    found = loaded.scenario.serving
    assert found.demand == ("request", pytest.approx(20.0))
    assert found.shape[:7] == (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0)
    assert (found.acceptance, found.guesses, found.layout.tensor) == (pytest.approx(0.7), 3, 4)
    assert found.autoscaling.minimum == pytest.approx(0.3)
    assert loaded.lines["serving.layout.tensor"] == 8
    tokens = read(tmp_path, SERVING.replace("72k requests/h", "1M tokens/s")).scenario.serving.demand
    users = read(tmp_path, SERVING.replace("72k requests/h", "2 million users")).scenario.serving.demand
    assert users == ("user", 2e6)
    with pytest.raises(InputError, match="far outside of anything there is; given '1e\\+14 requests/s'"):
        read(tmp_path, SERVING.replace("72k requests/h", "1e14 requests/s"))
    with pytest.raises(InputError, match="at most 1e10 users"):
        read(tmp_path, SERVING.replace("72k requests/h", "1e12 users"))
    busy = SERVING.replace("72k requests/h", "100k users at 24 requests/day")
    assert read(tmp_path, busy).scenario.serving.demand == ("request", pytest.approx(1e5 / 3600.0))
    assert tokens == ("token", 1e6)
    assert not read(tmp_path, GOOD).serves


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("72k requests/h", "72k", 3, "serving.demand", "the unit is missing; given '72k'|not a rate"),
        ("72k requests/h", "3 GW", 3, "serving.demand", "not a rate of requests"),
        ("72k requests/h", "0 tokens/s", 3, "serving.demand", "out of range"),
        ("70 %", "1.2", 5, "serving.acceptance", "out of range; given '1.2'; allowed: at most 1"),
        ("guesses: 3", "guesses: -1", 6, "serving.guesses", "not a count; .* a whole number from 0"),
        (
            "guesses: 3",
            "mode: disagregated",
            6,
            "serving.mode",
            "unknown value.*did you mean 'disaggregated'",
        ),
        ("guesses: 3", "days: 3", 6, "serving.days", "unknown value; given '3'"),
        ("    tensor: 4", "    tensr: 4", 8, "serving.layout.tensr", "unknown key.*did you mean 'tensor'"),
        ("    minimum: 30 %", "    minimum: 30", 10, "serving.autoscaling.minimum", "out of range"),
    ],
)
def test_what_cannot_be_served_names_place_and_mend(tmp_path, old, new, line, key, says):
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, SERVING.replace(old, new, 1))
    assert "\n" not in str(caught.value)
    assert f"scenario.yaml:{line}: {key}: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not YAML"), ("- a\n- b\n", "not a scenario"), ("", "not a scenario")]
)
def test_what_is_no_scenario(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        read(tmp_path, text)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "texas.yaml").write_text(GOOD)
    with pytest.raises(InputError, match=r"did you mean '.*texas\.yaml'"):
        read_scenario(tmp_path / "texsa.yaml")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(
        ["15.6T tokens", "16,384", "100 g/kWh", "2048 sequences", "2026", "[grid, solar]", "bf16"]
    ),
    value=st.one_of(
        st.text(max_size=20).filter(lambda t: "\n" not in t and "\r" not in t),
        st.floats().map(str),
        st.integers().map(str),
    ),
)
def test_any_value_is_read_or_refused_in_one_line(tmp_path, key, value):
    try:
        read(tmp_path, GOOD.replace(key, value, 1))
    except GigawattError as error:
        assert "\n" not in str(error)  # noqa: PT017
