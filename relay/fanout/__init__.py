"""From the board to every client: who is owed which bytes, and when.

Reading order: encoding, delivery, deflate, cohort, client, health, hub.
"""
