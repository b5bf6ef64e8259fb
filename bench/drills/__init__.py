"""Drills: what happens to prices when a part of the relay dies, and how long it takes.

`python -m bench.drills --help` lists them. They see the relay as its users do: processes, the hash
`prices`, the channel `prices:updates`, and the HTTP routes.
"""
