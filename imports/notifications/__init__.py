"""Notifies people about jobs: the message, and its delivery to a mailbox or a webhook.

The ledger writes notifications (imports.ledger.lifecycle). Here they are claimed, sent and
recorded, with no transaction open while one is under way. A notification holds a job's name,
numbers and a link, and nothing of a record or a secret.
"""
