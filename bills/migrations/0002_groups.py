"""Three groups of users to begin with."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


LOOK = (
    "imports.view_importjob",
    "imports.view_importbatch",
    "imports.view_importresult",
    "imports.view_attempt",
    "imports.view_customerapi",
    "imports.view_recordtemplate",
    "bills.view_portal",
    "bills.view_bill",
    "bills.view_billdelivery",
    "bills.view_destination",
    "bills.view_schedule",
)
OPERATE = (
    *LOOK,
    "imports.add_importjob",
    "imports.change_importjob",
    "imports.delete_importjob",
    "imports.start_job",
    "imports.retry_job",
    "imports.resolve_unknown",
    "imports.exclude_records",
    "imports.see_evidence",
    "imports.export_records",
    "imports.manage_notifications",
    "imports.manage_templates",
    "bills.manage_credentials",
    "bills.manage_schedules",
)
ADMINISTER = (
    *OPERATE,
    "imports.erase_person",
    "imports.manage_apis",
    "imports.manage_watched_folders",
    "bills.manage_portals",
    "bills.manage_destinations",
    "django_rq.admin",
    *(f"auth.{act}_{model}" for model in ("user", "group") for act in ("view", "add", "change", "delete")),
)
GROUPS = {"Viewers": LOOK, "Operators": OPERATE, "Administrators": ADMINISTER}


def make_groups(apps, schema_editor):
    """On a new database no permission is there yet: Django makes them after the last migration."""
    for label in ("imports", "bills", "auth", "django_rq"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps)
    for name, labels in GROUPS.items():
        group, is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        if is_new:  # one of that name that somebody made is theirs
            group.permissions.set([permission(apps, label) for label in labels])


def permission(apps, label):
    """The permission of that label ("app.codename"), or None."""
    app, codename = label.split(".")
    rows = apps.get_model("auth", "Permission").objects
    return rows.filter(content_type__app_label=app, codename=codename).first()


class Migration(migrations.Migration):

    dependencies = [
        ("django_rq", "0003_alter_dashboard_permission_names"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("imports", "0001_initial"),
        ("bills", "0001_initial"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
