"""What prices were: how candles are kept, and how an answer is put together from them.

Reading order: interval; block (candles of our own), page (the exchange's); row, wish; own and pages, which
read them; past and closes, which answer; library.
"""
