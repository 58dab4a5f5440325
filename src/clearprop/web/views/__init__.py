"""Views: what a run looks like, from its data, its network and its parameters; pure functions to SVG or HTML.

They give plain numbers to `web.drawings`; `web.rooms.plugs` gives each its name.
"""
