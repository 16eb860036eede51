"""
Train time constants by gradients
=================================

Exact backpropagation moves weights and membrane time constants; a price on spikes keeps the network quiet.

Training moves most time constants a little around where they were drawn, and makes the fastest neurons slower.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr

X_train, X_test, y_train, y_test = hr.load_dataset("japanese_vowels").split()
clf = hr.HRSNNGradientClassifier(
    "henhes", overrides={"n": 50}, hold="20 ms", trainable=["w_in", "tau_m"], training_epochs=3, target_rate=5.0
).fit(X_train, y_train)
print(clf.report(X_test, y_test))

before = hr.draw(clf.network_, clf.seed).neurons["tau_m"]
after = clf.frozen_.draw.neurons["tau_m"]
fig, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
ax.semilogx(before, after / before, ".", color="#009E73")
ax.axhline(1, color="0.6", lw=1, zorder=0)
ax.set(xlabel="tau_m as drawn (ms)", ylabel="trained / drawn")
plt.show()
