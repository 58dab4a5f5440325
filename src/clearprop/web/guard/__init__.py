"""Who may speak to the page, and how much: hosts and origins, the token, sizes, times, connections.

Knows neither networks nor data; `server` wraps the application in it.
"""
