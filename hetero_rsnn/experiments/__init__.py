"""Networks measured and compared over seeds.

``measurement``          training, then C, S and E with frozen weights
``measurement_result``   the numbers of each seed, means and intervals over seeds
``measurement_journal``  a line for every measurement, so that nothing is measured twice
``comparison``           several networks on the same seeds, paired
``sweep_values``         the values of a parameter, one by one or as a range
``sweep_plan``           which networks a sweep measures
``sweep``                networks along the values of a parameter
``sweep_result``         the curves that a sweep found
``energy_tables``        energy and synaptic operations of networks, and their order
"""
