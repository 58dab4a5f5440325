"""Step times of a distributed fit: measured between processes and namespaces, modelled, predicted.

`python -m benchmarks.distributed measure` measures (some five minutes; root for the namespaces), and
`python -m benchmarks.distributed` fits the model and writes the tables and drawings of docs/scaling-out.md.
"""
