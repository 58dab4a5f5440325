"""The glass box: functions over plain data that show, derive and certify the numbers of a network.

It reads formulas, the specification and the engines; the model, the command line and the web call it.
"""
