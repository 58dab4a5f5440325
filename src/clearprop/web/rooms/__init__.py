"""What the page asks for, a file a room: plain data in, JSON or a piece of HTML out.

`plugs` is where drawings are plugged in; `application` gives every room its paths.
"""
