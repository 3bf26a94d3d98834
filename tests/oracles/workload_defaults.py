"""Writes catalog/data/models/transformers_defaults.json from transformers' own configuration classes.

pip install torch transformers
python tests/oracles/workload_defaults.py > src/gigawatt/catalog/data/models/transformers_defaults.json
"""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

# Families that are functions; those that are rows are read from the table.
FAMILIES = [
    "deepseek_v2",
    "deepseek_v3",
    "deepseek_v32",
    "deepseek_v4",
    "falcon",
    "gemma3n_text",
    "gemma4_text",
    "glm_moe_dsa",
    "kimi_linear",
    "lfm2",
    "lfm2_moe",
    "llama",
    "llama4_text",
    "longcat_flash",
    "mimo_v2_flash",
    "minimax_m3_vl_text",
    "nemotron_h",
    "qwen2",
    "qwen3_5_moe_text",
    "qwen3_5_text",
    "qwen3_next",
    "step3p5",
]
TABLE = Path(__file__).parents[2] / "src/gigawatt/catalog/data/model_families.csv"
with TABLE.open(newline="", encoding="utf-8") as stream:
    rows = [row["id"] for row in csv.DictReader(stream) if not row["text"]]
FAMILIES = sorted({*FAMILIES, *(row for row in rows if row in CONFIG_MAPPING)})
SKIP = {"output_attentions", "output_hidden_states", "return_dict", "use_cache", "chunk_size_feed_forward"}

found = {}
for family in FAMILIES:
    fields = dataclasses.fields(CONFIG_MAPPING[family])
    found[family] = {
        field.name: field.default
        for field in fields
        if field.name not in SKIP
        and isinstance(field.default, (bool, int))
        and not field.name.endswith("_id")
    }
# What a class derives from its other fields where a configuration omits it.
found["gemma3_text"]["sliding_window_pattern"] = CONFIG_MAPPING["gemma3_text"]()._sliding_window_pattern
found["kimi_k2"] = found["deepseek_v3"]
# Names of the same architecture: in its own modelling code, as a plain text model, by another version.
found["deepseek_ref"] = found["deepseek_v4"]
found["minimax_m3"] = found["minimax_m3_vl_text"]
found["step3p7"] = found.pop("step3p5")
found["mimo"] = found["qwen2"]
found["nemotron-nas"] = found["llama"]
print(json.dumps({"transformers": transformers.__version__, "families": found}, indent=1))
