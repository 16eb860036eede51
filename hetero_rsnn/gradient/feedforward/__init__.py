"""Feed-forward spiking networks for images, in torch (the extra ``gradient``).

All modules of this package import torch; the rest of ``hetero_rsnn`` does without.

``spike``            a step function with a pseudo-derivative
``dynamics``         steps of neurons, and their adjoint
``states``           layers that go on where their last call ended
``neurons``          Neurons: leaky integrate-and-fire neurons, all steps at once or step by step
``layers``           connections, pooling, dropout
``one_bit``          connections with weights of 1 bit
``folding``          what has taken a normalisation up: weights of each step, signs with scale and offset
``normalisation``    BatchNorm, TEBN; their folding
``coding``           images as spikes
``setting``          options that all networks share
``blocks``           convolutions with a shortcut
``shortcuts``        layers between analog sums, with a shortcut around each
``attention``        between places of an image, with spikes
``accounts``         spikes and operations
``spiking_network``  SpikingNetwork: what all networks do
``transformer``      SpikingTransformer
``networks``         SpikingMLP, SpikingConvNet, and which network a spec means
``self_ensemble``    what membranes carry, recorded, and replayed as noise of networks without memory
``membrane_noise``   how large that is, and how independent
``losses``           of the mean output, of each step (TET), of the direction of activity (RCS)
``distillation``     learning from another network's answers
``ordinary``         networks without spikes, with the activations of ``quantised``
``conversion``       from these to spiking networks, which are ``converted``
``specs``            networks as plain data and arrays
``saving``           these as files
``packing``          those with 1-bit weights as bits
``injection``        noise in potentials while training
``running``          devices, threads, images a few at a time
``image_settings``   how they are trained
``training``         on images, epoch by epoch
"""

from hetero_rsnn.common.extras import need

# Here, since every module below would fail with less to say.
need("torch", "gradient", "a feed-forward network")
