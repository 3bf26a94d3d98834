"""gigawatt: from silicon to power plant, what it takes to train or serve a language model."""
