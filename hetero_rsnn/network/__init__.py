"""What a network is, and a network with every random number drawn.

``models``         the equations that the kernels mirror
``equations``      blocks of equations as text
``dimensions``     dimensions of expressions, by Brian2's rules
``units_of_equations``  every block checked for its dimensions and for unknown names
``distributions``  families of distributions (gamma, lognormal, ...)
``parameter``      a distribution with its unit
``topology``       who connects to whom
``delays``         synaptic delays in whole steps
``parts``          populations, projections, plasticity, input, protocol
``notebook``       what a notebook shows of a network and its draw
``overrides``      changing values by dotted names (E.tau_m.cv)
``parsing``        every rule of a network file
``definition``     Network, the whole as a value
``arrays``         arrays that a network is given, such as learned ones
``loading``        network files: finding, inheriting
``saving``         writing them, and networks that keep the arrays of a draw
``shipped``        the networks that come along
``homogeneous``    the homogeneous counterpart of a network
``mirror``         whether a kernel mirrors a network's equations
``sizes``          what a draw would take in memory
``draw``           Draw: all random numbers as plain arrays
``rules``          the plastic synapses of a draw, rule by rule
``heterogeneity``  the measure H of drawn parameters
"""
