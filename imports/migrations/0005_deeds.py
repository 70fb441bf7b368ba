"""What a person did about one record by itself."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0004_heartbeat")]

    operations = [
        migrations.CreateModel(
            name="Deed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="deeds", to="imports.jobevent")),
                ("result", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="deeds", to="imports.importresult")),
            ],
            options={"default_permissions": (), "ordering": ["id"]},
        ),
    ]
