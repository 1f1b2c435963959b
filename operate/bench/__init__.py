"""`make bench`: what the README promises about speed, measured beside something real and printed with its target.

On a lab of its own in a temporary folder, which is removed at the end, after Ctrl-C too. It reports and never judges:
the exit code is 0 whatever the figures, and a figure over its target is marked.

`figures` is the arithmetic, `report` the tables, `machine` where it ran, `site` the lab and the commands on it,
`projects` the stacks, `comparison` many models by `pulumi up` beside kubectl, `run` the order of it all.
"""

from operate.bench.report import as_data, print_machine, print_report
from operate.bench.run import Plan, bench

__all__ = ["Plan", "as_data", "bench", "print_machine", "print_report"]
