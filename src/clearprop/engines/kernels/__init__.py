"""Kernels: whole batches forward and backward and optimizer steps, generic in sizes and rows.

Every file is loaded once for every build, under the build's name, by `builds.py` and nobody else.
`rows` reads the row functions, `dropping` draws masks, `products` multiplies, `reading` reads the board,
`passes` goes through the layers, `steps` takes the optimizer's; `batch` has the tasks, `working` shares them.
"""
