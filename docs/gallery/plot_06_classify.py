"""
Classify your own arrays
========================

A list of arrays (time, channels) and a label each: that is all a classifier needs.

Rising and falling tones are told apart from flat ones on almost all test samples.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import confusion_matrix

import hetero_rsnn as hr
from hetero_rsnn import plots

rng = np.random.default_rng(0)
slopes = {"falling": -1, "flat": 0, "rising": 1}
y = np.array(list(slopes))[np.arange(120) % 3]
X = [slopes[kind] * np.linspace(-1, 1, 25)[:, None] + rng.normal(0, 0.6, (25, 1)) for kind in y]

clf = hr.HRSNNClassifier("henhes", overrides={"n": 100}, hold="20 ms").fit(X[:80], y[:80])
print(clf.report(X[80:], y[80:]))
print("linear model:", hr.LinearClassifier(clf).fit(X[:80], y[:80]).score(X[80:], y[80:]))

fig, ax = plt.subplots(figsize=(4, 3.4), layout="constrained")
plots.plot_confusion(confusion_matrix(y[80:], clf.predict(X[80:])), list(slopes), ax)
plt.show()
