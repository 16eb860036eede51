"""``python -m hetero_rsnn.cli``."""

from hetero_rsnn.cli.program import main

main()
