"""What drives a network, and samples with labels on their way there; files of one's own.

``stimulus``      currents, events, streams
``files``         series from files of one's own: csv and other text, npy, npz, wav
``text_tables``   text files as tables: fields, names, numbers, clocks
``samples``       sets of samples of unequal length; scaling
``frames``        data frames and dictionaries of columns as samples
``images``        images and frames of events as one array
``labels``        labels, some of them unknown
``encoder_base``  what all encoders share
``encoders``      series to currents, Poisson spikes, level crossings
``spike_coding``  spikes by rule, without chance
``cochlea``       a filterbank like the ear's
``audio``         the encoder of recorded sound
"""
