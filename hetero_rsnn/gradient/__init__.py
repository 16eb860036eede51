"""Backpropagation through a drawn network: its forward pass, and the exact adjoint of that.

``pseudo_derivative``  what stands for the derivative of a spike
``lanes``              sixteen numbers as one value in compiled code
``adjoint``            forward and backward pass of sixteen samples (compiled)
``packing``            from samples to lanes and back, and sums over lanes (compiled)
``layout``             a draw as these take it
``rooms``              memory for arrays with lanes, used again
``threads``            threads that stay
``blocks``             sixteen samples side by side, forward and back
``batch``              run_batch: any number of samples, and gradients of what is made of their spikes
``quantisation``       recurrent weights of few levels, and the latent ones behind them
``parameters``         what is trained, in which coordinates, within which bounds
``optimisers``         Adam
``readouts``           what a readout sees of spikes; losses
``heads``              readouts with their targets: one answer a sample, or one a row
``decisions``          answers in every decision window, and their losses (TET)
``consistency``        the RCS regulariser: what a network does early shall be like what it does at the end
``checkpoints``        a training on the disk
``settings``           how a network is trained, and what is told of every epoch
``fitting``            Training: batches, epochs, validation, early stopping
``module``             to_torch: the same as a layer of torch
``feedforward``        feed-forward networks for images (torch)
``packed``             networks with 1-bit weights as bits
"""
