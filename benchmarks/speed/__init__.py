"""clearprop beside its peers and beside what the machine can do: `python -m benchmarks.speed --help`.

`networks` says what is trained, `contenders/` who trains it, `tasks` what one turn of a contender is, `crew`
runs the turns in processes with 1, 2, ... threads, `jobs` lists them; `results`, `bars`, `tables` and `plots`
say what was found. Run from the root of the repository.
"""
