"""Speed and memory as ratios: the product and its opponents, measured in turn in one run."""
