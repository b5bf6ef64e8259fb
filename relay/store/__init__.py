"""Where the state lives between the one writer and the workers: in this process, or in Redis.

Both give the writer `open` and `write`, and the hub `listen`.
"""
