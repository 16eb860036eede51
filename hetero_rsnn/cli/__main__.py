"""``python -m hetero_rsnn.cli``."""

from hetero_rsnn.cli.app import main

main()
