"""Metrics: what a process says of itself to Prometheus.

Things are counted where they happen, as plain numbers. Once a second they are passed on from here.
"""
