"""Golden parameters of towers: transformers' own models on torch's meta device, less their language part.

    pip install torch transformers pillow torchvision
    python tests/oracles/workload_towers.py

Every wrapper that ``model_towers.csv`` names is counted as its configuration class has it and once with other
sizes and flags; writes tests/workload/golden_towers.json.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import torch
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

ROOT = Path(__file__).parents[2]
LANGUAGE = ("language_model", "text_model", "lm_head")
VISION = {
    "gemma4": "gemma4_vision",
    "aya_vision": {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_attention_heads": 16},
}
"""Towers that a configuration class leaves out, or whose default cannot be built."""
CHANGED: dict[str, Any] = {
    "depth": 3, "num_hidden_layers": 3, "intermediate_size": 512, "vision_use_head": False,
    "use_qk_norm": True, "attention_bias": True, "use_absolute_position_embeddings": False,
    "num_position_embeddings": 256, "deepstack_visual_indexes": [0, 2],
}  # fmt: skip
OUTER: dict[str, Any] = {
    "multimodal_projector_bias": False,
    "vision_feature_layer": [-2, -1],
    "projector_bias": True,
}


def counted(name: str, vision: dict[str, Any], outer: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """(the configuration, parameters that are not of the language part)."""
    known = CONFIG_MAPPING[name]()
    text = known.get_text_config()
    small = {"num_hidden_layers": 2, "vocab_size": getattr(text, "vocab_size", 1000)}
    more = {key: value for key, value in outer.items() if hasattr(known, key)}
    config = CONFIG_MAPPING[name](vision_config=vision, **more) if vision else CONFIG_MAPPING[name](**more)
    text = config.get_text_config()
    for key, value in small.items():
        setattr(text, key, value)
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:2]
    with torch.device("meta"):
        model = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(config)]._from_config(config)
    total = sum(
        p.numel()
        for key, p in model.named_parameters()
        if not any(part in LANGUAGE for part in key.split("."))
    )
    written = config.to_dict()
    kept = {key: value for key, value in written.items() if isinstance(value, (int, str, bool, list))}
    plain = {
        k: v
        for k, v in written["vision_config"].items()
        if isinstance(v, (int, bool, list)) or k == "model_type"
    }
    return {**kept, "model_type": name, "text_hidden": text.hidden_size, "vision_config": plain}, total


def main() -> None:
    """Count and write."""
    rows = csv.DictReader((ROOT / "src/gigawatt/catalog/data/model_towers.csv").open())
    found: dict[str, Any] = {}
    for name in (row["id"] for row in rows):
        if name not in CONFIG_MAPPING or name in ("siglip", "clip", "pixtral"):
            continue
        base = VISION.get(name, {})
        base = CONFIG_MAPPING[base]().to_dict() if isinstance(base, str) else base
        inner = CONFIG_MAPPING[name](vision_config=dict(base)) if base else CONFIG_MAPPING[name]()
        usual = base or inner.vision_config.to_dict()
        changed = {
            **inner.vision_config.to_dict(),
            **{k: v for k, v in CHANGED.items() if hasattr(inner.vision_config, k)},
        }
        for variant, vision, outer in (("default", usual if base else {}, {}), ("changed", changed, OUTER)):
            try:
                config, total = counted(name, vision, outer)
            except Exception as error:
                print(f"{name} {variant}: {type(error).__name__} {error}")
                continue
            found[f"{name} {variant}"] = {"config": config, "parameters": total}
    target = ROOT / "tests/workload/golden_towers.json"
    target.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(found)} towers")


if __name__ == "__main__":
    main()
