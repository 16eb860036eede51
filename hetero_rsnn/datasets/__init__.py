"""Data sets: shipped, generated, downloaded. Of one's own, too.

``catalogue``      data sets by name
``dataset``        what a data set is
``dynamics``       chaotic systems and NARMA10
``delayed_cues``   delayed parity and recall
``lyapunov``       their Lyapunov exponents
``sources``        where data that do not come along are looked for
``fetch``          downloads with checksums
``spoken_digits``  spoken digits from wav files
``heidelberg``     Spiking Heidelberg Digits
``fashion_mnist``  Fashion-MNIST
``idx``            the files it comes in
``corruption``     images with noise, or partly covered
``saccades``       images as events of a camera that moves
``own_data``       labelled samples of one's own as a data set
``own_series``     series of one's own as a data set
``own_samples``    what the readers of labelled samples hand on
``own_tables``     labelled samples in text tables
``own_arrays``     labelled samples in npz files
``own_sounds``     labelled samples in folders of wav files
``own_split``      which of them are for training
``own_new``        new data of one's own for a saved model
``own_times``      steps and gaps of the times in a table
"""
