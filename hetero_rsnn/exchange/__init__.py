"""Other packages' objects, one module a package.

``neo``     recordings as neo objects, and back
``nir``     networks as NIR graphs
``xarray``  results as labelled arrays
"""
