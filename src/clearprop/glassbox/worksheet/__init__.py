"""Worksheets: exercises with nice numbers, what a sheet of them holds, and three renderings of that.

`sheet` is the way in; `exercise` and `drawing_*` make the numbers, `*_sheet` the blocks of a page.
"""
