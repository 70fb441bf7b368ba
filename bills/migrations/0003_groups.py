"""Three groups to begin with. It runs once: what an administrator changes later stays changed.

It stands here, not in imports, because the groups know both kinds of work.
"""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOK = (
    "imports.view_importjob",
    "imports.view_importbatch",
    "imports.view_importresult",
    "imports.view_attempt",
    "imports.view_customerapi",
    "bills.view_portal",
    "bills.view_bill",
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
    "bills.manage_credentials",
)
ADMINISTER = (
    *OPERATE,
    "imports.manage_apis",
    "bills.manage_portals",
    "django_rq.admin",
    *(f"auth.{act}_{model}" for model in ("user", "group") for act in ("view", "add", "change", "delete")),
)
GROUPS = {"Viewers": LOOK, "Operators": OPERATE, "Administrators": ADMINISTER}
# What a permission was called before there was one for each act.
SUCCESSORS = {
    "imports.download_retry_files": "imports.export_records",
    "imports.add_customerapi": "imports.manage_apis",
    "imports.change_customerapi": "imports.manage_apis",
    "bills.add_portal": "bills.manage_portals",
    "bills.change_portal": "bills.manage_portals",
    "bills.change_credential": "bills.manage_credentials",
}


def make_groups(apps, schema_editor):
    """On a new database no permission is there yet: Django makes them after the last migration."""
    for label in ("imports", "bills", "auth", "django_rq"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps)
    hand_over(apps)
    drop_what_opens_nothing(apps)
    for name, labels in GROUPS.items():
        group, is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        if is_new:  # one of that name that somebody made is theirs
            group.permissions.set([permission(apps, label) for label in labels])


def permission(apps, label):
    """The permission of that label, or None."""
    app, codename = label.split(".")
    rows = apps.get_model("auth", "Permission").objects
    return rows.filter(content_type__app_label=app, codename=codename).first()


def hand_over(apps):
    """Whoever had a permission of old has the one that took its place."""
    for old, new in SUCCESSORS.items():
        if was := permission(apps, old):
            successor = permission(apps, new)
            successor.group_set.add(*was.group_set.all())
            successor.user_set.add(*was.user_set.all())


def drop_what_opens_nothing(apps):
    """Permissions of our models that no page asks for any more would only puzzle people."""
    rows = apps.get_model("auth", "Permission").objects
    for label in ("imports", "bills"):
        for model in apps.get_app_config(label).get_models():
            known = [f"{act}_{model._meta.model_name}" for act in model._meta.default_permissions]
            known += [codename for codename, _name in model._meta.permissions]
            of_model = rows.filter(content_type__app_label=label, content_type__model=model._meta.model_name)
            of_model.exclude(codename__in=known).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("bills", "0002_one_permission_for_each_act"),
        ("imports", "0003_one_permission_for_each_act"),
        ("django_rq", "0003_alter_dashboard_permission_names"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
