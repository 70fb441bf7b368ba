"""Telling people about jobs: what is said, and how it gets to a mailbox or a program.

The ledger writes notifications (imports.ledger.lifecycle). Here they are claimed, sent and
recorded, with no transaction open while one is under way. A notification holds a job's name,
numbers and a link, and nothing of a record or a secret.
"""
