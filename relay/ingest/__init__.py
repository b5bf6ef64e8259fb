"""What we make of the exchange's tickers: the newest of each symbol, versions, batches.

Reading order: intake, writer, catalogue, fetcher, supplier, pipeline (introduces them to one another).
"""
