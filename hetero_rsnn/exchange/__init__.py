"""Other packages' objects, a module or two a package.

``neo``              recordings as neo objects, and back
``nir``              recurrent networks as NIR graphs
``nir_feedforward``  feed-forward networks as such
``xarray``           results as labelled arrays
"""
