"""What reads bytes of strangers, of the exchange or of Redis, and what must hold of it whatever they are.

`tests/test_fuzz.py` tries a few hundred inputs of each target in every run; `python -m tests.fuzz` goes on
for as long as it is told, led by coverage.
"""
