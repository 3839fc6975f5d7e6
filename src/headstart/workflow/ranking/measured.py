"""What fine-tuning made of zoos of small sources, in figures: benchmarks/ranking/ has the intervals, in RESULTS.md
(pictures), TABLES.md and TEXTS.md.

A test holds them to the committed records.
"""

PAIRS, TARGETS = 186, 7
"""Pairs of a source and a target that were fine-tuned, draws of labels counted; targets."""
REGRET, CHANCE = 1.9, 19.1
"""Points that the first in the order, and a pick by chance, lay below the best source, on average over targets."""
TABLES, TEXTS = (4.2, 6.8), (5.0, 6.6)
"""The same on tables and on texts."""
ALARMS, TRUE_ALARMS, HARMS = 80, 76, 132
"""Sources that lay behind random weights of their architecture; of them, and of all, those that ended below scratch."""
