"""The mathematics as text: activations, losses, optimizers, initializers and schedules, one row each.

Nothing here loops over data or keeps state. Every other room reads these rows; this one reads none of them.
"""
