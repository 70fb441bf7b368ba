"""How PostgreSQL stores the busiest of the ledger's tables."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("imports", "0001_initial")]

    operations = [
        # An outcome rewrites each row of these two: room on its page keeps the update in place.
        migrations.RunSQL("ALTER TABLE import_results SET (fillfactor = 48)", migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE imports_importbatch SET (fillfactor = 70)", migrations.RunSQL.noop
        ),
        # Bodies are read whole and often cut: compressing them costs more than it saves.
        migrations.RunSQL(
            "ALTER TABLE imports_importbatch ALTER COLUMN body SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
