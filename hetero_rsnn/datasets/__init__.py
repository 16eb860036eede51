"""Data sets: shipped, generated, downloaded. Files of one's own are read by `inputs.files`.

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
"""
