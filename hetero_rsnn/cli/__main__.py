"""``python -m hetero_rsnn.cli``."""

from hetero_rsnn.cli import main

main()
