"""The formula checker: a formula derived by hand is right, or wrong with a counterexample and its slip.

`matrix_language` reads the text, `asked` what it should be; `scene` draws networks and has every true number
from the textbook's passes, `evaluation` walks the formula over them, the `*_corrected` files and `explaining`
look for the slip. `checking` holds `check_formula`; the command line and the documentation call that.
"""
