"""The only code that changes a status. Each change is a compare-and-set in a short transaction.

To see why nothing is lost and nothing is sent twice, read the modules in this order: claims
(claim and intent), outcomes (what an answer or an expired lease changes), lifecycle (what
operators do to jobs), retries, bulk_actions, totals (the equation).
"""
