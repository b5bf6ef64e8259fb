"""From the board to every client: who is owed which bytes, and when.

Reading order: flow, member (what a cohort has to know); encoding, terms, delivery, recent, deflate (bytes);
cohort, health, news, client; registry, schedule, pause, hub (who is due a pass).
"""
