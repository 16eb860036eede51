"""Networks measured and compared over seeds.

``measurement``  training, then C, S and E with frozen weights
``comparison``   several networks on the same seeds, paired
"""
