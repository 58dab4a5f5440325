"""The local page, `clearprop serve`: a playground on one's own data; any number opens into its derivation.

`guard` keeps strangers out and knows nothing of networks; `bench` is a playground without HTTP; `rooms`
answers the page's requests from a bench, `server` puts it all together. `cli.serve` may call, no one else.
"""
