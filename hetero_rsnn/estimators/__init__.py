"""Networks as scikit-learn estimators.

``features``             a network as a feature map
``classifier``           a classifier of time series
``gradient_classifier``  the same, its network trained on labels by backpropagation
``forecaster``           a forecaster of time series
``gradient_forecaster``  the same, its network trained on targets by backpropagation
``gradient_training``    what these two share: settings, progress, taking over
``trained_readout``      the readout that was trained along
``image_classifier``     a classifier of images: feed-forward networks, trained or converted (torch)
``image_networks``       its networks, and what is refused of its parameters
``anytime``              class scores at any time of a sample
``frozen``               a trained network that answers samples
``saving``               classifiers and forecasters as files
``saved_parts``          what such files hold, part by part
``readout``              ridge and logistic readouts, folds
``linear``               linear models on the same input
"""
