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
    "deepseek_v32",
    "deepseek_v4",
    "falcon",
    "gemma2",
    "gemma3_text",
    "gemma4_text",
    "glm_moe_dsa",
    "gpt2",
    "gpt_neox",
    "gpt_oss",
    "kimi_linear",
    "llama",
    "llama4_text",
    "mimo_v2_flash",
    "minimax_m2",
    "minimax_m3_vl_text",
    "mistral",
    "mixtral",
    "nemotron_h",
    "phi3",
    "qwen2",
    "qwen3",
    "qwen3_5_moe_text",
    "qwen3_5_text",
    "qwen3_moe",
    "qwen3_next",
    "qwen3_vl_moe_text",
    "qwen3_vl_text",
    "step3p5",
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
# Names of the same architecture: in its own modelling code, as a plain text model, by another version.
found["deepseek_ref"] = found["deepseek_v4"]
found["minimax_m3"] = found["minimax_m3_vl_text"]
found["step3p7"] = found.pop("step3p5")
found["mimo"] = found["qwen2"]
found["nemotron-nas"] = found["llama"]
print(json.dumps({"transformers": transformers.__version__, "families": found}, indent=1))
