"""Operators and Administrators say who is notified. It runs once, like the groups themselves."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = ("Operators", "Administrators")


def give(apps, schema_editor):
    """To those of the groups that are still there."""
    create_permissions(installed.get_app_config("imports"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects
    new = permissions.get(content_type__app_label="imports", codename="manage_notifications")
    new.group_set.add(*apps.get_model("auth", "Group").objects.filter(name__in=GROUPS))


class Migration(migrations.Migration):
    dependencies = [
        ("bills", "0003_groups"),
        ("imports", "0007_notifications"),
    ]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
