"""How the two large tables are stored: space for updates in place, and bytes as they are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_initial")]

    operations = [
        # Each result is updated about once: with room on its page no index has to change.
        migrations.RunSQL(
            "ALTER TABLE import_results SET (fillfactor = 60)",
            "ALTER TABLE import_results RESET (fillfactor)",
        ),
        migrations.RunSQL(
            "ALTER TABLE imports_importbatch SET (fillfactor = 70)",
            "ALTER TABLE imports_importbatch RESET (fillfactor)",
        ),
        # Bodies are read whole and often cut: compressing them costs more than it saves.
        migrations.RunSQL(
            "ALTER TABLE imports_importbatch ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE imports_importbatch ALTER COLUMN body SET STORAGE EXTENDED",
        ),
    ]
