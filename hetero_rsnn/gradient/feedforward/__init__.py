"""Feed-forward spiking networks for images, in torch (the extra ``gradient``).

All modules of this package import torch; the rest of ``hetero_rsnn`` does without.
"""

from hetero_rsnn.common.extras import need

# Here, since every module below would fail with less to say.
need("torch", "gradient", "a feed-forward network")
