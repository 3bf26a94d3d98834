"""The graph that the chain's modules fill, and its leaves."""

from __future__ import annotations

from gigawatt.study.graph import Graph

__all__ = ["CHAIN", "q"]

CHAIN = Graph()
q = CHAIN.quantity

for _name, _unit, _summary in (
    ("scenario.year", "", "Year of prices, plants and software"),
    ("model.architecture", "", "The model, as its config.json describes it"),
    ("training.tokens", "tokens", "Tokens to train on"),
    ("training.sequence", "tokens", "Tokens of one sequence"),
    ("training.global_batch", "", "What one optimizer step sees, as written"),
    ("training.number_format", "", "Number format of the multiplications"),
    ("training.optimizer", "", "Optimizer and its number formats"),
    ("training.runs", "", "Runs that share the campus at the same time"),
    ("machine.chip", "", "The accelerator"),
    ("machine.size", "", "How many accelerators, or the facility power they may draw"),
    ("machine.options", "", "Node, links and domain where they differ from the chip's usual ones"),
    ("machine.power_cap", "W", "Largest power of one accelerator, where it is given"),
    ("machine.stack", "", "The software stack"),
    ("layout.fixed", "", "Columns of the layout that are fixed"),
    ("layout.widen", "", "Rare columns of the layout that are searched as well"),
    ("site.site", "", "The site"),
    ("site.weather", "", "A year of hourly weather"),
    ("site.cooling", "", "The cooling system"),
    ("supply.grid", "", "The grid at the site, hour by hour"),
    ("supply.grid_given", "", "Connection limit, price and carbon where they are given"),
    ("supply.plants", "", "Plants that may be built"),
    ("supply.limits", "", "Largest capacity of a plant where it is given"),
    ("supply.carbon_limit", "g/kWh", "Largest average carbon intensity of the electricity"),
    ("supply.carbon_price", "$/t", "Price on operational carbon"),
    ("supply.not_served_price", "$/MWh", "What energy not served costs, where it is given"),
    ("economics.discount_rate", "percent", "Real discount rate a year"),
    ("economics.chip_life", "yr", "Life of accelerators and nodes, where it is given"),
):
    CHAIN.leaf(_name, _unit, _summary)
