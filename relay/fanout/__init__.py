"""From the board to every client: who is owed which bytes, and when.

Reading order: flow, member (what a cohort has to know); encoding, terms, delivery, recent, deflate (bytes);
ledger, ranks, cohort, health, news, connection, client; registry, schedule, heartbeats, burden, pause,
rounds (what is due to whom); guest, door, crowd (who is here); vigil (polls); hub.
"""
