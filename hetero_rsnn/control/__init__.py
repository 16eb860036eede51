"""Control: spiking actors that act, and learn to (the extra ``rl``).

``constants``       numbers of the public code
``decays``          decays of current and potential, neuron by neuron
``actor_settings``  ActorSettings: what an actor is made of
``actor_arrays``    an actor as plain data
``scan``            all steps of a layer of spiking neurons, and back (compiled)
``events``          products that go from spike to spike (compiled)
``passes``          these for torch's automatic differentiation
``layers``          layers of spiking neurons
``encoder``         observations as spikes, spikes as actions
``relu_actor``      what all actors share, and an ordinary one
``spiking_actor``   one of spiking neurons
``actors``          build_actor
``acting_kernel``   from one observation to one action (compiled)
``acting``          the same with an actor's arrays
``policies``        ControlPolicy: a trained actor that acts, and its files
``settings``        ControlSettings: how an actor is trained; ControlTest: what it reached
``environments``    environments of gymnasium
``episode``         an episode that can be gone through again
``acting_out``      a policy that acts for whole episodes
``normaliser``      mean and spread of what was observed
``replay``          what was experienced
``critics``         two critics at once
``td3``             what an update does
``checkpoints``     files of a training that goes on
``practice``        what a step of a training does: act, remember, learn
``training``        ControlTraining: from the first step to the last
``seed_runs``       the training of one seed in legs
``runs``            train_control: several seeds, with a journal
``journal_events``  what that journal holds
``result``          ControlResult: what was reached, seed by seed
``films``           record_episode: an episode that is watched
"""
