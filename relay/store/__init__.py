"""What lies between the one writer and the workers: in this process, or in Redis.

Reading order: contract; memory; keys, connect (master, sentinels, cluster), scripts, held,
redis_writer, redis_reader.
"""
