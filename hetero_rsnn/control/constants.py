"""Numbers of the public Pop-SAN and MDC-SAN code, see `ActorSettings`."""

#: Potential above which a neuron fires.
THRESHOLD = 0.5
#: The same for a neuron that encodes, whose potential is less by it after a spike.
ENCODER_THRESHOLD = 0.999
#: Means of the receptive fields lie evenly within ± this many standard deviations of an observation.
FIELDS = 3.0
#: Variance of a receptive field at the beginning.
FIELD_VARIANCE = 0.15
#: Dynamic neurons: du = -RECOVERY v ± COUPLING u; a spike sets v to KICK_V and adds KICK_U to u.
RECOVERY, COUPLING, KICK_V, KICK_U = 0.172, 0.529, 0.021, 0.132
