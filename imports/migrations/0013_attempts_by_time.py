"""A job's attempts by time, with what they told: its chart is read from this index alone.

Built while the pages are in use: nothing waits for it, and the old index goes when it is done.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("imports", "0012_dry_runs")]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                fields=["job", "ended_at"],
                include=["success_count", "error_count", "unknown_count"],
                name="attempt_pace",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="imports.importjob",
            ),
        ),
    ]
