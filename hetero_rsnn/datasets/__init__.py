"""Data: shipped, generated, downloaded, or from files of one's own (csv, npy, npz, wav, HDF5).

``catalogue``      data sets by name
``dataset``        what a data set is
``series``         series from files: csv and other text, npy, npz, wav
``dynamics``       chaotic systems and NARMA10
``lyapunov``       their Lyapunov exponents
``sources``        where data that do not come along are looked for
``fetch``          downloads with checksums
``spoken_digits``  spoken digits from wav files
``heidelberg``     Spiking Heidelberg Digits
"""
