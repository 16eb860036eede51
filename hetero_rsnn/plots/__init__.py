from hetero_rsnn.plots.network_plots import *  # noqa: F403
