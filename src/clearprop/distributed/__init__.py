"""One fit by many workers: the same bits for any number of them, from Parquet files dealt to fixed shards.

`work` is what every worker runs, given a `Comm` (engines.shards) to meet the others by; `fit_distributed` is
the one call. Nothing here but `ray_launcher` knows of a cluster.
"""
