"""``python -m hetero_rsnn`` does the same as ``hetero-rsnn``."""

from hetero_rsnn.cli import main

main()
