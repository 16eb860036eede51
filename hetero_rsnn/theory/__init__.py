"""What can be said without simulation.

``neuron``    rates of one LIF neuron
``response``  how a rate follows a modulation
``rates``     self-consistent rates of a drawn network
``weights``   where STDP takes a weight
``linear``    memory of the linearised network
"""
