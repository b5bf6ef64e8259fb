"""Programs as people write them, each with a library of its ecosystem. Given a relay's address they print
what they hear, a line of JSON each: first how they are refused, then a stream that goes on after every end.
"""
