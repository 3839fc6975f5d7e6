"""What fine-tuning made of a zoo of small picture sources, in figures: benchmarks/ranking/RESULTS.md has the intervals.

A test holds them to the committed records.
"""

PAIRS, TARGETS = 186, 7
"""Pairs of a source and a target that were fine-tuned, draws of labels counted; targets."""
REGRET, CHANCE = 1.9, 19.1
"""Points that the first in the order, and a pick by chance, lay below the best source, on average over targets."""
ALARMS, TRUE_ALARMS, HARMS = 80, 76, 132
"""Sources that lay behind random weights of their architecture; of them, and of all, those that ended below scratch."""
