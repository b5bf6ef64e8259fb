"""What strangers can do to a worker, tried for real: what each attacker got, and what others noticed of it.

A worker of its own (in-process, everything at default), 200 well-behaved clients from 127.0.1.x, and
attackers from 127.0.0.66 or from many 127.0.2.x: only 127.0.0.1 is trusted, so that limits by address hold.
It prints figures and judges them by the aims below; it is no test.
"""
