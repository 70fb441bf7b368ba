"""The only code that moves a status. Each move is a compare-and-set in a short transaction.

Read in this order to see why nothing is lost and nothing goes out twice:
claims (whose is it, intent), outcomes (what an answer changes), expiry (whoever vanished),
moves (what people do to jobs), rounds (retries), verdicts (unknown and excluded), sums (the
equation).
"""
