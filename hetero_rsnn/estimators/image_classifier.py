"""A classifier of images: a feed-forward spiking network that is trained, or converted from an ordinary one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.estimators.frozen import count_jobs
from hetero_rsnn.estimators.image_networks import check_parameters, new_network
from hetero_rsnn.gradient.checkpoints import checkpoint_exists
from hetero_rsnn.gradient.decisions import running_mean
from hetero_rsnn.gradient.settings import Epoch
from hetero_rsnn.inputs.images import image_array
from hetero_rsnn.inputs.labels import check_truth, check_weights, held_out
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.jobs.progress import progress_bar
from hetero_rsnn.measures.probabilities import softmax

if TYPE_CHECKING:
    from hetero_rsnn.gradient.feedforward.accounts import Account
    from hetero_rsnn.gradient.feedforward.training import ImageTraining
    from hetero_rsnn.gradient.packed.network import PackedNetwork

#: What a fit leaves.
_FITTED = ("classes_", "image_shape_", "training_", "best_epoch_", "network_", "ordinary_")


class SpikingImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A feed-forward spiking network that classifies images, in scikit-learn's manner; it needs torch.

    With ``method="direct"`` the spiking network itself is trained, by backpropagation through its steps. With
    ``method="conversion"`` an ordinary network with activations of a few levels (QCFS) is trained, and converted: its
    units become integrate-and-fire neurons. Either answers in every step; the decision at a step is the mean of the
    outputs so far, so that it may be asked earlier (`scores_over_time`, `hetero_rsnn.fit_cutoff`).

    To keep what was trained without pickles, write ``network_`` to a file with `save_image_network`; what
    `load_image_network` reads answers alike, and ``classes_`` are the names of its outputs. A fit that fails leaves an
    estimator that is not fitted.

    Parameters
    ----------
    model : {"conv", "mlp"} or torch.nn.Module
        A network of convolutions, `SpikingConvNet`, or of layers connected all to all, `SpikingMLP` (or their ordinary
        counterparts). A network of one's own is copied, and the parameters that describe one are not used. It answers
        (steps, samples, classes), or for a conversion (samples, classes), see `convert`.
    steps : int
        Of an inference, one at least.
    method : {"direct", "conversion"}
    neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable
        Of spiking neurons that are trained, see `SpikingMLP`. With ``coding="rate"`` the spikes of an image depend on
        its place in X.
    levels : int
        Of the activations that are converted.
    theta : float
        Threshold of each quantised activation before training, above 0; it is learned. For ``method="conversion"``
        only. The published start of 8 suits trainings of hundreds of epochs.
    channels, blocks : sequence of int, int
        Of ``"conv"``, see `SpikingConvNet`.
    hidden : sequence of int, optional
        Units of hidden layers; by default none for ``"conv"``. For ``"mlp"`` (512,), and with weights of 1 bit or with
        shortcuts (512, 512).
    dropout : float
    weights, shortcuts : {"full", "1bit"}, bool
        Of spiking networks that are trained: 1 bit for each weight between the first and the last layer, and a shortcut
        around every one of these layers; see `SpikingMLP` and `SpikingConvNet`.
    loss : {"cross_entropy", "tet"}
        Of the decision at the end, or of the outputs of all steps (direct training only).
    consistency : float
        Weight (alpha) of the RCS regulariser; 0.002 is the published value.
    noise, membranes : float or "recorded", {"carried", "replaced"}
        Of potentials while training, see `ImageSettings` (direct training only).
    training_epochs, batch_size : int
    learning_rate : float, optional
        By default 0.001 with Adam, 0.1 with SGD.
    optimiser : {"adam", "sgd"}, optional
        By default Adam for direct training, and SGD with momentum 0.9 for what is converted.
    schedule : {"cosine", "constant"}
    weight_decay : float, optional
        By default 0 with Adam, 5e-4 with SGD. Weights of 1 bit have none, other than in `full_epochs`.
    shift : int
        Images are moved by up to so many pixels while training; not for ``"mlp"``.
    flip : bool
        Half of the images are mirrored while training; not for ``"mlp"``.
    full_epochs : int
        So many of the training epochs, the first, have full weights where weights will have 1 bit.
    teacher : torch.nn.Module, optional
        A trained network, of the same classes in their sorted order, whose answers are learned beside the labels, such
        as the ``network_`` of another fit, or an `OrdinaryConvNet` without levels. It takes what the network takes.
    distillation : {"mixed", "pure"}
        Half of the loss each for labels and teacher (at temperature 2), or cross-entropy with the teacher's
        probabilities alone.
    validation : float
        Share of the images that is held out, to see when to stop.
    patience : int
        Epochs without a smaller loss on these until training ends; the best values are taken.
    checkpoint : path, optional
        JSON file that holds the training after every epoch; `fit` goes on from it if it is of the same training.
    device : str
        Of torch, such as ``"cuda"``.
    n_jobs : int or None
        Threads of torch while it works here, at most one a core; None is one, -1 all cores.
    seed : int
    verbose : bool

    Attributes
    ----------
    classes_ : ndarray
    network_ : SpikingNetwork
    ordinary_ : OrdinaryNetwork
        What was converted.
    training_ : list of Epoch
    best_epoch_ : int
    image_shape_ : tuple of int
        Of one sample.
    on_epoch : callable or None
        Called with every `Epoch`; no parameter.

    References
    ----------
    D. Wu, G. Jin, H. Yu, X. Yi, X. Huang, "Optimising event-driven spiking neural network with regularisation and
    cutoff", arXiv:2301.09522 (RCS); T. Bu et al., ICLR 2022, arXiv:2303.04347 (QCFS); S. Deng et al., ICLR 2022,
    arXiv:2202.11946 (TET); Q. Meng et al., arXiv:2508.12609 (weights of 1 bit); G. Hinton et al., arXiv:1503.02531
    (teachers).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> import hetero_rsnn as hr
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = hr.SpikingImageClassifier("mlp", hidden=(64,), steps=2, training_epochs=3)  # doctest: +SKIP
    >>> clf.fit(X[:1200] / 16, y[:1200]).score(X[1200:] / 16, y[1200:]) > 0.85  # doctest: +SKIP
    True
    """

    on_epoch: Callable[[Epoch], object] | None = None

    def __init__(
        self,
        model: Any = "conv",
        *,
        steps: int = 4,
        method: str = "direct",
        neuron: str = "lif",
        leak: Any = 0.5,
        threshold: Any = 1.0,
        reset: str = "hard",
        coding: str = "direct",
        normalisation: str | None = "batch",
        pseudo_derivative: Any = "triangle",
        detach_reset: bool = False,
        trainable: Sequence[str] = (),
        levels: int = 4,
        theta: float = 2.0,
        channels: Sequence[int] = (16, 32),
        blocks: int = 1,
        hidden: Sequence[int] | None = None,
        dropout: float = 0.0,
        weights: str = "full",
        shortcuts: bool = False,
        loss: str = "cross_entropy",
        consistency: float = 0.0,
        noise: float | str = 0.0,
        membranes: str = "carried",
        training_epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float | None = None,
        optimiser: str | None = None,
        schedule: str = "cosine",
        weight_decay: float | None = None,
        shift: int = 0,
        flip: bool = False,
        full_epochs: int = 0,
        teacher: Any = None,
        distillation: str = "mixed",
        validation: float = 0.1,
        patience: int = 10,
        checkpoint: Any = None,
        device: str = "cpu",
        n_jobs: int | None = None,
        seed: int = 0,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.steps = steps
        self.method = method
        self.neuron = neuron
        self.leak = leak
        self.threshold = threshold
        self.reset = reset
        self.coding = coding
        self.normalisation = normalisation
        self.pseudo_derivative = pseudo_derivative
        self.detach_reset = detach_reset
        self.trainable = trainable
        self.levels = levels
        self.theta = theta
        self.channels = channels
        self.blocks = blocks
        self.hidden = hidden
        self.dropout = dropout
        self.weights = weights
        self.shortcuts = shortcuts
        self.loss = loss
        self.consistency = consistency
        self.noise = noise
        self.membranes = membranes
        self.training_epochs = training_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimiser = optimiser
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.shift = shift
        self.flip = flip
        self.full_epochs = full_epochs
        self.teacher = teacher
        self.distillation = distillation
        self.validation = validation
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.n_jobs = n_jobs
        self.seed = seed
        self.verbose = verbose

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        state.pop("on_epoch", None)  # whoever watches does not come along
        return state

    def fit(self, X: Any, y: Any) -> Self:
        """Train a network on images and their labels.

        Parameters
        ----------
        X : array, shape (samples, height, width), (samples, channels, height, width) or (samples, features)
            Images, as numbers or as bytes, of which 255 becomes 1; or events, as counts, shape (samples, steps,
            channels, height, width).
        y : array, shape (samples,)
            Labels; every image has one.

        Raises
        ------
        HeteroError
            If torch is not there, X is empty, not finite or of another shape than the network takes, y does not fit X
            or holds one class only, or a parameter breaks its rule.
        """
        from hetero_rsnn.gradient.feedforward.conversion import convert
        from hetero_rsnn.gradient.feedforward.running import torch_threads

        for name in _FITTED:  # a fit that fails leaves an estimator that is not fitted
            self.__dict__.pop(name, None)
        check_parameters(self)
        images = self._images(X)
        labels = check_truth(y, len(images), unlabelled=None)
        classes, number = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise HeteroError(f"y must hold two classes or more, got {classes.tolist()} only", fix="add samples")
        with torch_threads(self._threads()):
            training = self._training(images, number, len(classes))
            if self.checkpoint is not None and checkpoint_exists(self.checkpoint):
                training.restore(self.checkpoint)
            self._carry_out(training)
            spiking = convert(training.network, self.steps) if self.method == "conversion" else training.network
        self.classes_, self.image_shape_ = classes, images.shape[1:]
        self.training_, self.best_epoch_ = training.history, training.best_epoch
        self.network_: Any = spiking.eval()
        if self.method == "conversion":
            self.ordinary_ = training.network.eval()
        return self

    def _carry_out(self, training: ImageTraining) -> None:
        total = training.settings.epochs
        with progress_bar("training epochs", total) if self.verbose else nullcontext() as progress:

            def tell(epoch: Epoch) -> None:
                if progress is not None:
                    progress(len(training.history), total, note=str(epoch))
                if self.on_epoch is not None:
                    self.on_epoch(epoch)

            training.run(tell, self.checkpoint)

    def _threads(self) -> int:
        return min(count_jobs(self.n_jobs), cores())

    def _images(self, X: Any) -> NDArray[Any]:
        """Images as the network takes them."""
        images = image_array("X", X)
        if self.model == "mlp":
            if images.ndim == 5:
                return images.reshape(*images.shape[:2], -1).astype(np.float32)  # counts, and no bytes of pixels
            return images.reshape(len(images), -1)
        if isinstance(self.model, str) and images.ndim == 2:
            raise HeteroError(
                f"model='conv' needs images (height, width), got samples of {images.shape[1]} numbers",
                fix="reshape X to (samples, height, width), or use model='mlp'",
            )
        return images

    def _training(self, images: NDArray[Any], number: Ints, classes: int) -> ImageTraining:
        from hetero_rsnn.gradient.feedforward.conversion import convert
        from hetero_rsnn.gradient.feedforward.image_settings import OPTIMISERS, ImageSettings
        from hetero_rsnn.gradient.feedforward.one_bit import one_bit_layers
        from hetero_rsnn.gradient.feedforward.training import ImageTraining

        optimiser = self.optimiser if self.optimiser is not None else ("adam" if self.method == "direct" else "sgd")
        sgd = checks.one_of("optimiser", optimiser, OPTIMISERS) == "sgd"
        network = new_network(self, images, classes)
        # Latent weights of 1 bit are not to decay.
        usual = 5e-4 if sgd and (self.full_epochs or not one_bit_layers(network)) else 0.0
        settings = ImageSettings(
            epochs=self.training_epochs, batch_size=self.batch_size,
            learning_rate=(0.1 if sgd else 1e-3) if self.learning_rate is None else self.learning_rate,
            optimiser=optimiser, schedule=self.schedule,
            weight_decay=usual if self.weight_decay is None else self.weight_decay,
            loss=self.loss, consistency=self.consistency, shift=self.shift, flip=self.flip, patience=self.patience,
            seed=self.seed, full_epochs=self.full_epochs, distillation=self.distillation, noise=self.noise,
            membranes=self.membranes,
        )  # fmt: skip
        kept = held_out(number, classes, float(self.validation), self.seed)
        training = ImageTraining(
            network, images, number, kept, settings, device=self.device, teacher=self.teacher
        )  # fmt: skip
        if training.outputs != classes:
            raise HeteroError(
                f"{type(network).__name__} has {training.outputs} outputs, and y has {classes} classes",
                fix="give a network with one output for each class",
            )
        if self.method == "conversion":
            convert(network, self.steps)  # refused now, and not after the training
        elif not training.spiking:
            raise HeteroError(
                f"method='direct' needs a network that answers in steps, got {type(network).__name__}",
                fix="use method='conversion'",
            )
        return training

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("this SpikingImageClassifier is not fitted yet: call fit first")

    def _fitted_images(self, X: Any) -> NDArray[Any]:
        self._check_fitted()
        images = self._images(X)
        if images.shape[1:] != self.image_shape_:
            raise HeteroError(
                f"samples must have the shape {self.image_shape_} of those in the fit, got {images.shape[1:]}",
                fix="reshape them",
            )
        return images

    def _outputs(self, X: Any) -> Array:
        """Outputs of each step, shape (samples, steps, classes)."""
        from hetero_rsnn.gradient.feedforward.running import answers, torch_threads

        images = self._fitted_images(X)
        with torch_threads(self._threads()):
            return answers(self.network_, images, np.arange(len(images)), self._device()).astype(np.float64)

    def _device(self) -> Any:
        """Where the network is, whatever the parameter says by now."""
        return next(iter(self.network_.parameters())).device

    def scores_over_time(self, X: Any) -> list[Array]:
        """Scores of the decision at every step: means of the outputs so far.

        Parameters
        ----------
        X
            As for `fit`.

        Returns
        -------
        list of ndarray, shape (steps, classes)
            As the cutoff takes them, see `hetero_rsnn.fit_cutoff`; the last row is that of the whole inference.
        """
        return list(running_mean(self._outputs(X)))

    def account(self, X: Any) -> Account:
        """Spikes and synaptic operations of every layer, step and sample; see `Account`.

        Parameters
        ----------
        X
            As for `fit`.
        """
        from hetero_rsnn.gradient.feedforward.accounts import joined
        from hetero_rsnn.gradient.feedforward.running import TOGETHER, as_input, torch_threads

        images = self._fitted_images(X)
        if not hasattr(self.network_, "account"):
            raise HeteroError(f"{type(self.network_).__name__} keeps no account", fix="use a SpikingNetwork")
        with torch_threads(self._threads()):
            return joined(
                [
                    self.network_.account(as_input(images[low : low + TOGETHER], self._device()))
                    for low in range(0, len(images), TOGETHER)
                ]
            )

    def pack(self) -> PackedNetwork:
        """The network as bits, which decides without torch; see `hetero_rsnn.pack`.

        It takes images as numbers, where bytes were divided by 255, of the shape ``image_shape_`` each. Its last layer
        has one output for each of ``classes_``.

        Raises
        ------
        HeteroError
            If a layer between the first and the last has full weights, or the network has something else that a packed
            one does not hold.

        Examples
        --------
        >>> clf = SpikingImageClassifier("mlp", hidden=(64, 64), weights="1bit")
        >>> clf.fit(X, y).pack().save("mine.json")  # doctest: +SKIP
        """
        self._check_fitted()
        from hetero_rsnn.gradient.feedforward.packing import pack

        return pack(self.network_)

    def _scores(self, X: Any) -> Array:
        return np.asarray(self._outputs(X).mean(axis=1))

    def decision_function(self, X: Any) -> Array:
        """Mean outputs, shape (samples, classes); of two classes the second less the first, (samples,)."""
        scores = self._scores(X)
        return np.asarray(scores[:, 1] - scores[:, 0]) if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        decided = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[decided])

    def predict_proba(self, X: Any) -> Array:
        """Softmax of the mean outputs, shape (samples, classes)."""
        return softmax(self._scores(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; every image needs a label."""
        decided = self.predict(X)
        labels = check_truth(y, len(decided), unlabelled=None)
        weight = check_weights(sample_weight, len(decided))
        return float(np.average(decided == labels, weights=weight))
