"""Running a drawn network: three backends with the same spikes, recordings, continuing, damage.

``simulate``    the one function
``engine``      backend, precision, code generation; what a backend can do
``backends``    the table of backends
``sizes``       what a simulation would take in memory
``delays``      spikes that have yet to arrive
``drive``       a stimulus on the grid of a network
``neurons``     decays, refractory steps, initial state of all neurons, as the kernels take them
``fast``        the compiled backend: layout
``kernels``     the compiled backend: machine code
``vectorised``  the numpy backend
``generated``   kernels made from other equations, for both
``brian``       the Brian2 backend, the reference; to_brian2
``many``        many runs at once
``recording``   spikes, weights, state; saving and loading
``continuing``  whether a run may go on from a state
``damage``      noise, mismatch, lost neurons and synapses
"""
