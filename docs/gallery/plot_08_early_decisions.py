"""
Decide before the input ends
============================

A readout for every moment, and a rule that stops as soon as the answer is clear.

Stopping when the evidence is clear (orange) reaches nearly the accuracy of the full length in half of the time.
Stopping all samples at one fixed time (blue) is less accurate. The diamond is the bound that no rule can beat.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

X_train, X_test, y_train, y_test = hr.load_dataset("japanese_vowels").split()
clf = hr.HRSNNClassifier("henhes", overrides={"n": 100}, hold="10 ms").fit(X_train[::2], y_train[::2])
anytime = hr.AnytimeReadout(clf, every=2).fit(X_train[::2], y_train[::2])
known, scores = anytime.scores(X_train[1::2]), anytime.scores(X_test)
curve = hr.evaluate_cutoff(known, y_train[1::2], scores, y_test)
print(curve)

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
plots.plot_cutoff(curve, ax)
plt.show()
