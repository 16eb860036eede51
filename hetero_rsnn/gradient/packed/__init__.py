"""Spiking networks with 1-bit weights as bits, without torch.

``words``      spikes and weights as words of 64 bits
``vectors``    sixteen words as one value in compiled code
``kernels``    products of spikes with 1-bit weights (compiled)
``layers``     what a network is made of
``folding``    thresholds as whole numbers
``table``      operations as rows of a table
``program``    from layers to such a table
``execution``  all steps of it (compiled)
``saving``     files
``network``    PackedNetwork, load_packed_network
"""
