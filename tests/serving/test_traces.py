"""Traces: the shipped ones are the published ones, any usual file is read, scaling keeps what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.serving.arrivals import daily_shape
from gigawatt.serving.requests import Requests
from gigawatt.serving.scaling import scale_trace, select_requests
from gigawatt.serving.traces import list_traces, read_trace, trace_facts, trace_period, write_trace

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "serving"
FILES = {
    "azure-conversation-2023": "AzureLLMInferenceTrace_conv.csv",
    "azure-code-2023": "AzureLLMInferenceTrace_code.csv",
    "mooncake-conversation": "conversation_trace.jsonl",
}
DAY = 86400.0


def made(count: int = 400, seed: int = 1, blocks: bool = False) -> Requests:
    """Bursty requests; with blocks: one that all begin with, then ones of their own."""
    random = np.random.default_rng(seed)
    arrival = np.cumsum(random.gamma(0.25, 4.0, count))
    prompt = random.integers(100, 1000, count)
    own = None
    if blocks:
        number = -(-prompt // 64)
        offsets = np.concatenate([[0], np.cumsum(number)])
        ids = np.arange(1, offsets[-1] + 1)
        ids[offsets[:-1]] = 0
        own = (offsets, ids)
    return Requests(
        arrival, prompt, random.integers(1, 300, count), blocks=own, block_tokens=64 if blocks else 0
    )


# the shipped traces


# the counts are those that the publishers' files have (one line a request); the means follow from them
@pytest.mark.parametrize(
    ("name", "count", "prompt", "output"),
    [
        ("azure-conversation-2023", 19366, 1154.7, 211.1),
        ("azure-code-2023", 8819, 2047.8, 27.9),
        ("mooncake-conversation", 12031, 12035.1, 342.6),
    ],
)
def test_a_shipped_trace_has_the_published_statistics(
    name: str, count: int, prompt: float, output: float
) -> None:
    requests, row = read_trace(name), catalog.entity("traces", name)
    facts = trace_facts(requests, name=name)
    assert facts.requests == count == row.value("requests")
    assert facts.prompt[0] == pytest.approx(prompt, abs=0.05)
    assert facts.prompt[0] == pytest.approx(row.value("prompt"), rel=1e-6)
    assert facts.output[0] == pytest.approx(output, abs=0.05)
    assert facts.output[0] == pytest.approx(row.value("output"), rel=1e-5)
    assert requests.arrival[0] == 0.0
    assert requests.arrival[-1] == pytest.approx(row.value("span"), abs=5e-4)
    assert facts.licence == ("Apache-2.0" if "mooncake" in name else "CC BY 4.0")
    assert facts.source


def test_mooncake_has_its_hashes_of_512_tokens() -> None:
    requests = read_trace("mooncake")
    assert requests.block_tokens == 512
    assert requests.blocks is not None
    offsets, ids = requests.blocks
    assert np.array_equal(np.diff(offsets), -(-requests.prompt // 512))
    assert len(ids) == 288500
    assert np.all(ids[offsets[:-1]] == 0)  # every conversation begins with the same block
    assert trace_facts(requests).shared == pytest.approx(1 - 182790 / 288500)


def test_shipped_traces_are_small_and_all_in_the_table() -> None:
    files = {file.name: file.stat().st_size for file in catalog.path("traces").glob("*")}
    assert set(files) == {catalog.entity("traces", name).text("file") for name in list_traces()}
    assert files["azure-conversation-2023.npz"] < 150e3
    assert files["azure-code-2023.npz"] < 150e3
    assert files["mooncake-conversation.npz"] < 700e3


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not here")
@pytest.mark.parametrize(("name", "file"), FILES.items())
def test_a_shipped_trace_is_the_published_file(name: str, file: str) -> None:
    ours, theirs = read_trace(name), read_trace(PUBLISHED / file)
    assert np.abs(ours.arrival - theirs.arrival).max() <= 0.5e-3 + 1e-9
    assert np.array_equal(ours.prompt, theirs.prompt)
    assert np.array_equal(ours.output, theirs.output)
    assert (ours.blocks is None) == (theirs.blocks is None)
    if ours.blocks is not None and theirs.blocks is not None:
        assert all(
            np.array_equal(mine, yours) for mine, yours in zip(ours.blocks, theirs.blocks, strict=True)
        )


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not here")
def test_the_reader_agrees_with_reading_by_hand() -> None:
    lines = (PUBLISHED / FILES["azure-code-2023"]).read_text().splitlines()
    assert lines[1] == "2023-11-16 18:17:03.9799600,4808,10"
    assert lines[-1] == "2023-11-16 19:14:19.9280160,549,173"
    requests = read_trace(PUBLISHED / FILES["azure-code-2023"])
    assert requests.prompt[0] == 4808
    assert requests.output[-1] == 173
    assert requests.arrival[-1] == pytest.approx(57 * 60 + 15.948056, abs=1e-7)
    final = json.loads((PUBLISHED / FILES["mooncake-conversation"]).read_text().splitlines()[-1])
    last = read_trace(PUBLISHED / FILES["mooncake-conversation"])
    assert last.blocks is not None
    assert last.blocks[1][last.blocks[0][-2] :].tolist() == final["hash_ids"]
    assert last.arrival[-1] == pytest.approx(final["timestamp"] / 1e3)


# files of a user


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.5,3,1\n2023-11-16T18:00:02Z,4,2", 1.5),
        ("timestamp,input_length,output_length\n10,3,1\n11.5,4,2\n", 1.5),
        ("arrival_ms,prompt_tokens,completion_tokens\n0,3,1\n1500,4,2\n\n\n", 1.5),
        ("timestamp [us],input_tokens,output_tokens,model\n0,3,1,x\n1500000,4,2,y\n", 1.5),
        ("id,arrived_at,num_prefill_tokens,num_decode_tokens\na,0,3,1\nb,1.5,4,2\n", 1.5),
        ("Timestamp,Model,Request tokens,Response tokens,Log Type\n5,g,3,1,c\n6.5,g,4,2,c\n", 1.5),
        ('"arrival_time", "input_toks", "output_toks"\n1787267980.5,3,1\n1787267982.0,4,2\n', 1.5),
        ("﻿ts,isl,osl\n0,3,1\n0,4,2\n", 0.0),
    ],
)  # fmt: skip
def test_csv_under_any_usual_header(tmp_path: Path, text: str, arrival: float) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(text, encoding="utf-8")
    requests = read_trace(file)
    assert requests.arrival.tolist() == pytest.approx([0.0, arrival])
    assert requests.prompt.tolist() == [3, 4]
    assert requests.output.tolist() == [1, 2]


def test_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    mooncake = '{"timestamp": %d, "input_length": 600, "output_length": 5, "hash_ids": %s}\n'
    file.write_text(mooncake % (27482, "[46, 47]") + "\n" + mooncake % (30535, "[46, 57]"))
    requests = read_trace(file)
    assert requests.arrival.tolist() == pytest.approx([0.0, 3.053])
    assert requests.block_tokens == 512
    assert requests.blocks is not None
    assert requests.blocks[1].tolist() == [46, 47, 46, 57]
    assert read_trace(file, block_tokens=300).block_tokens == 300
    # hashes that are words are numbered as they come; keys of other makers; seconds
    file.write_text(
        '{"arrival_time": 3.5, "input_toks": 9, "output_toks": 2, "priority": 1, "hash_ids": ["a"]}\n'
        '{"arrival_time": 4.0, "input_toks": 9, "output_toks": 2, "priority": 0, "hash_ids": ["b"]}\n'
        '{"arrival_time": 4.0, "input_toks": 9, "output_toks": 2, "priority": 0, "hash_ids": ["a"]}\n'
    )
    requests = read_trace(file)
    assert requests.arrival.tolist() == [0.0, 0.5, 0.5]
    assert requests.blocks is not None
    assert requests.blocks[1].tolist() == [0, 1, 0]
    assert requests.priority is not None
    assert requests.priority.tolist() == [1, 0, 0]


CSV = "timestamp,input_length,output_length\n"
JSON = '{"timestamp": 0, "input_length": 600, "output_length": 1%s}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ": the trace is empty; allowed: a header and one request a line"),
        (CSV, ": the trace is empty; allowed: one request a line"),
        ("when,input_length,output_length\n1,1,1\n", ":1: no column with the arrival time; given 'when"),
        ("time,ts,isl,osl\n1,1,1,1\n", ":1: time, ts: two columns could be the same thing"),
        ("1,5,5\n2,five,5\n", ":3: input_length: not a number; given 'five'; allowed: a whole number"),
        ("1,5,5\n2,5\n", ":3: output_length: not a number; given ''"),
        ("1,5,5\n2,5,5,5\n", ":3: this line has more cells than the header"),
        ("1,5,5\n2,5.5,5\n", ":3: input_length: not a whole number; given '5.5'"),
        ("1,5,5\n2,5,0\n", ":3: output_length: a request without tokens; given '0'; allowed: a whole number"),
        ("1,-5,5\n", ":2: input_length: a request without tokens; given '-5'"),
        ("-1,5,5\n", ":2: timestamp: a negative time; given '-1'; allowed: times from 0"),
        ("1,5,5\n3,5,5\n2,5,5\n", ":4: timestamp: arrivals are not in order of time; given '2'; allowed: a"),
        ("1,5,5\n\n2,5,5\n", ":3: timestamp: not a time; given ''"),
        ("2023-11-16 18:00,5,5\nnoon,5,5\n", ":3: timestamp: not a time; given 'noon'; allowed: seconds"),
        ("0,5,5\ninf,5,5\n", ":3: timestamp: not a time; given 'inf'"),
    ],
)
def test_what_is_wrong_with_a_csv_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text if not text or text[0] in "tw" else CSV + text)
    with pytest.raises(InputError) as raised:
        read_trace(file)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{file}{says}")


def test_a_misspelt_column_is_told(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("timestamp,input_lenght,output_length\n1,1,1\n")
    with pytest.raises(InputError) as raised:
        read_trace(file)
    assert str(raised.value) == (
        f"{file}:1: no column with the prompt tokens; given 'timestamp, input_lenght, output_length'; "
        "allowed: a column such as ContextTokens, input_length, input_tokens, prompt_tokens; "
        "did you mean 'input_length'?"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n", ": the trace is empty"),
        (JSON % "" + "not json\n", ":2: not a JSON object; given 'not json'; allowed: one a line"),
        (JSON % "" + '{"timestamp": 0, "input_length": 1}\n', ":2: output_length: this request lacks a key"),
        (
            JSON % ', "hash_ids": [1, 2, 3]',
            ":1: hash_ids: more hashes than the prompt has blocks; given '3 for 6",
        ),
        (JSON % ', "hash_ids": 7', ":1: hash_ids: not a list of block hashes; given '7'"),
        (JSON.replace(": 0,", ": null,") % "", ":1: timestamp: not a time; given 'None'"),
    ],
)
def test_what_is_wrong_with_json_lines_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        read_trace(file)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{file}{says}")


def test_no_such_trace() -> None:
    with pytest.raises(InputError, match=r"no such trace.*did you mean 'azure-conversation-2023'\?"):
        read_trace("azure-conversations-2023")
    with pytest.raises(InputError, match=r"^nowhere/trace\.csv: no such trace file$"):
        read_trace("nowhere/trace.csv")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_text("no archive")
    with pytest.raises(InputError, match=r"t\.npz: not a trace that write_trace has written"):
        read_trace(tmp_path / "t.npz")
    (tmp_path / "t.csv").write_bytes(b"timestamp,isl,osl\n\xff\xfe,1,1\n")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        read_trace(tmp_path / "t.csv")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    requests = made(blocks=True)
    again = read_trace(write_trace(requests, tmp_path / "t.npz", resolution=1e-6))
    assert np.abs(again.arrival - requests.arrival).max() <= 0.5e-6 + 1e-12
    assert np.array_equal(again.prompt, requests.prompt)
    assert again.blocks is not None
    assert requests.blocks is not None
    assert np.array_equal(again.blocks[1], requests.blocks[1])
    assert again.block_tokens == 64
    first, second = (write_trace(requests, tmp_path / f"{n}.npz").read_bytes() for n in "ab")
    assert first == second
    with pytest.raises(InputError, match=r"written as \.npz"):
        write_trace(requests, tmp_path / "t.csv")


# scaling


def same(one: Requests, other: Requests) -> bool:
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("arrival", "prompt", "output"))


def test_a_trace_as_it_is_stays_as_it_is() -> None:
    requests = read_trace("mooncake")
    scaled = scale_trace(requests, seed=5)
    assert same(requests, scaled)
    assert requests.blocks is not None
    assert scaled.blocks is not None
    assert np.array_equal(requests.blocks[1], scaled.blocks[1])


@pytest.mark.parametrize("factor", [0.13, 0.5, 0.999, 1.0, 2.0, 3.37])
@pytest.mark.parametrize("name", list_traces())
def test_counts_are_met_within_one_and_tokens_nearly(name: str, factor: float) -> None:
    requests = read_trace(name)
    scaled = scale_trace(requests, factor=factor, seed=2)
    assert abs(len(scaled) - factor * len(requests)) <= 1.0
    assert scaled.prompt.sum() == pytest.approx(factor * requests.prompt.sum(), rel=0.01)
    assert scaled.output.sum() == pytest.approx(factor * requests.output.sum(), rel=0.08)
    assert scaled.arrival[-1] < trace_period(requests)


def test_a_stated_demand_is_met() -> None:
    requests = read_trace("azure-conversation-2023")
    period = trace_period(requests)
    assert len(scale_trace(requests, rate=12.5)) / period == pytest.approx(12.5, rel=1e-4)
    more = scale_trace(requests, token_rate=50e3)
    assert (more.prompt.sum() + more.output.sum()) / period == pytest.approx(50e3, rel=1e-3)
    day = scale_trace(requests, rate=7.0, span=DAY)
    assert len(day) / DAY == pytest.approx(7.0, rel=0.01)
    assert day.arrival[-1] < DAY
    hour = scale_trace(requests, span=600.0)
    assert np.array_equal(hour.arrival, requests.arrival[requests.arrival < 600.0])


def test_copies_keep_the_dispersion_and_time_keeps_the_gaps() -> None:
    """Index of dispersion in ten seconds: the mean of several seeds within a fifth of the trace's own."""
    requests = made(4000)
    period = trace_period(requests)

    def dispersion(of: Requests, width: float) -> float:
        counts = np.bincount((of.arrival // width).astype(int))[: int(period // width)]
        return float(counts.var() / counts.mean())

    own = dispersion(requests, 10.0)
    assert own > 2.5  # bursty: gamma gaps of variation 2
    copied = np.mean([dispersion(scale_trace(requests, factor=4.0, seed=seed), 10.0) for seed in range(8)])
    assert copied == pytest.approx(own, rel=0.2)
    thinned = np.mean([dispersion(scale_trace(requests, factor=0.5, seed=seed), 10.0) for seed in range(8)])
    assert thinned == pytest.approx(1.0 + 0.5 * (own - 1.0), rel=0.15)  # what independent thinning leaves
    faster = scale_trace(requests, factor=4.0, by="time")
    assert np.array_equal(faster.prompt, requests.prompt)
    assert np.array_equal(select_requests(faster, np.arange(9)).output, requests.output[:9])
    assert trace_facts(faster).variation == pytest.approx(trace_facts(requests).variation)
    assert trace_facts(faster).rate == pytest.approx(4.0 * trace_facts(requests).rate)


def test_a_day_follows_the_shape() -> None:
    requests = read_trace("azure-conversation-2023")
    for shape in ("azure-code", 0.3):
        day = scale_trace(requests, span=DAY, shape=shape, factor=2.0, seed=4)
        hours = np.bincount((day.arrival // 3600).astype(int), minlength=24) / (
            2.0 * trace_facts(requests).rate * 3600
        )
        known = daily_shape(shape)
        middle = known.at(np.arange(24) * 3600.0 + 1800.0)
        assert np.abs(hours - middle).max() < 0.15 * known.peak
        assert hours.sum() == pytest.approx(24.0, rel=0.02)
        assert hours.min() / hours.max() == pytest.approx(known.trough_to_peak, abs=0.06)


def test_the_same_seed_gives_the_same_requests() -> None:
    requests = made(blocks=True)
    one, again, other = (scale_trace(requests, factor=2.5, span=2e3, seed=seed) for seed in (3, 3, 4))
    assert same(one, again)
    assert not same(one, other)


def test_copies_are_other_peoples_prompts() -> None:
    """Two copies: twice the blocks, none of them shared but the one that all begin with."""
    requests = made(blocks=True)
    twice = scale_trace(requests, factor=2.0)
    assert twice.blocks is not None
    assert requests.blocks is not None
    offsets, ids = twice.blocks
    assert np.array_equal(np.diff(offsets), -(-twice.prompt // 64))
    assert np.all(ids[offsets[:-1]] == 0)
    values, counts = np.unique(ids, return_counts=True)
    assert counts.tolist() == [2 * len(requests)] + [1] * (len(values) - 1)
    assert len(values) - 1 == 2 * (len(np.unique(requests.blocks[1])) - 1)
    day = trace_facts(scale_trace(read_trace("mooncake"), span=6 * 3600.0))
    assert day.shared == pytest.approx(trace_facts(read_trace("mooncake")).shared, abs=0.01)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"rate": 1.0, "factor": 2.0}, "rate, factor: the demand stands twice; allowed: one of rate"),
        ({"rate": -1.0}, "rate: not a demand; given -1.0; allowed: above 0"),
        ({"span": math.inf}, "span: not a span of time; given inf; allowed: above 0 seconds"),
        ({"by": "copy"}, "by: no such way to scale; given 'copy'; allowed: copies, time; did you mean"),
        ({"shape": "azure-cod"}, "no such entry in the catalog's traces_shapes; given 'azure-cod'"),
        ({"shape": 1.5}, "shape: not a ratio of trough to peak; given 1.5; allowed: 0 to 1"),
        ({"shape": [1.0, 2.0]}, "shape: not a daily shape; given '2 numbers'; allowed: 24 rates"),
    ],
)  # fmt: skip
def test_scaling_refuses_in_one_line(asked: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as raised:
        scale_trace(made(), **asked)  # type: ignore[arg-type]
    assert str(raised.value).startswith(says)


def test_one_request_has_no_rate() -> None:
    with pytest.raises(InputError, match="no rate"):
        scale_trace(Requests(np.zeros(3), np.ones(3, int), np.ones(3, int)), factor=2.0)
