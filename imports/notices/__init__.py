"""Telling people about jobs: what is said, and how it gets to a mailbox or a program.

The ledger writes notices (imports.ledger.notices); here they are claimed, sent and recorded, with
no transaction open while one is under way. A notice has a job's name, numbers and a link in it,
and nothing of a record or a secret.
"""
