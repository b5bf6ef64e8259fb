"""What lies between the one writer and the workers: in this process, or in Redis.

Reading order: contract; memory; keys, connect, scripts, held, redis_writer, redis_reader.
"""
