"""Outcomes write fewer index entries: a result changes in place, a batch has fewer indexes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0009_a_job_begins_with_a_wave")]

    operations = [
        # All results of a page are updated about once: it must hold each of them twice.
        migrations.RunSQL(
            "ALTER TABLE import_results SET (fillfactor = 48)",
            "ALTER TABLE import_results SET (fillfactor = 60)",
        ),
        migrations.AlterField(
            model_name="importbatch",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="batches",
                to="imports.importjob",
            ),
        ),
        migrations.AlterField(
            model_name="importbatch",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="imports.importbatch",
            ),
        ),
        migrations.AddIndex(
            model_name="importbatch",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)),
                fields=["parent"],
                name="batch_parts",
            ),
        ),
    ]
