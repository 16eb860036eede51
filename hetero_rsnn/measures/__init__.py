"""Numbers from states, spikes and decisions. Knows no network, but for what counts operations on a drawn one.

``memory``             memory capacity C, of the states or of a trained readout
``ridge_blocks``       its arithmetic: ridge regression over blocks, chance
``population_blocks``  its arithmetic: readouts debiased by a jackknife
``memory_input``       whether an input is independent from sample to sample
``memory_readout``     a readout of the memory that is kept
``processing``         information processing capacity: functions of past inputs
``processing_result``  what it gives: every target, sums with errors
``legendre_targets``   its targets: products of Legendre polynomials
``efficiency``         states, spike count S, efficiency E
``operations``         what a network computes: spikes x fan-out, updates of neurons
``energy``             what that would take on hardware
``estimates``          means over seeds with intervals
``scores``             errors, skill, prediction time
``reports``            what an estimator achieved, and its spikes
``cutoff``             deciding early
``cutoff_curve``       what an early stop saves and costs
``cutoff_table``       all ways to stop early, side by side
``conformal``          deciding early with sets of labels
``probabilities``      softmax and its temperature
``returns``            what runs of learning by reward have earned
``resampling``         intervals and tests of few runs
"""
