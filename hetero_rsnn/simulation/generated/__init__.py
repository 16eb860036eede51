"""Kernels made from a network's own equations, for the fast and the numpy backend.

``abstract_code``   Brian2's state updaters and statements for the equations of a network, as plain data
``store``           the same from a file where they have been worked out before; no Brian2 then
``program``         the statements by stage, and whose arrays they read and write
``expressions``     expressions of statements as source text; what is constant is worked out once
``numba_source``    a program as the source of one compiled function
``numpy_source``    a program as the source of one step in numpy
``compiled``        a source as a module on disk, which numba compiles once
``functions``       what the compiled source calls
``queue``           delayed spikes on their way to groups of synapses
``run``             the arrays of a draw, calls, and what comes back
"""
