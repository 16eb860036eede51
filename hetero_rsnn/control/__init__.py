"""Control: a spiking actor that learns to act (the extra ``rl``).

``actor_settings``  what an actor is made of
``decays``          decays of current and potential, neuron by neuron
``actors``          build_actor
``relu_actor``      an ordinary actor, for comparison; what all actors share
"""
