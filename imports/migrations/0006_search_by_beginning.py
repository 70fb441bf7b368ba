"""A customer is found by how the id or e-mail begins, by index, whatever the database's collation.

Built while the pages are in use: nothing waits for it, and the old indexes go when it is done.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("imports", "0005_deeds")]

    operations = [
        AddIndexConcurrently(
            "importresult",
            models.Index(fields=["key"], name="result_key_begins", opclasses=["text_pattern_ops"]),
        ),
        AddIndexConcurrently(
            "importresult",
            models.Index(
                fields=["email"],
                condition=~models.Q(email=""),
                name="result_email_begins",
                opclasses=["text_pattern_ops"],
            ),
        ),
        RemoveIndexConcurrently("importresult", "result_key"),
        RemoveIndexConcurrently("importresult", "result_email"),
    ]
