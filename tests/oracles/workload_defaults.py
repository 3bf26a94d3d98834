"""Writes catalog/data/models/transformers_defaults.json from transformers' own configuration classes.

pip install torch transformers
python tests/oracles/workload_defaults.py > src/gigawatt/catalog/data/models/transformers_defaults.json
"""

from __future__ import annotations

import dataclasses
import json

import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

FAMILIES = [
    "deepseek_v2",
    "deepseek_v3",
    "falcon",
    "gemma2",
    "gemma3_text",
    "gpt2",
    "gpt_neox",
    "gpt_oss",
    "llama",
    "llama4_text",
    "mistral",
    "mixtral",
    "phi3",
    "qwen2",
    "qwen3",
    "qwen3_moe",
]
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
found["gemma3_text"]["sliding_window_pattern"] = CONFIG_MAPPING["gemma3_text"]()._sliding_window_pattern
found["kimi_k2"] = found["deepseek_v3"]
print(json.dumps({"transformers": transformers.__version__, "families": found}, indent=1))
