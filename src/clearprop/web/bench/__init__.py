"""The bench: data, a network, and a run of it that can be stopped anywhere; a playground without HTTP.

Everything the page does is a verb of `bench.Bench`, so it is tested in plain Python.
"""
