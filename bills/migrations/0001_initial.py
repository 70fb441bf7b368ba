"""Portals, credentials, bills, evidence; and three groups of users to begin with."""

import bills.storage
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import imports.fields
from django.conf import settings
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


LOOK = (
    "imports.view_importjob",
    "imports.view_importbatch",
    "imports.view_importresult",
    "imports.view_attempt",
    "imports.view_customerapi",
    "imports.view_recordtemplate",
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
    "imports.manage_notifications",
    "imports.manage_templates",
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

    initial = True

    dependencies = [
        ("django_rq", "0003_alter_dashboard_permission_names"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ('imports', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.CharField(max_length=320, verbose_name='e-mail')),
                ('account', models.CharField(editable=False, max_length=320)),
                ('password', imports.fields.EncryptedTextField(verbose_name='password')),
                ('extra', models.JSONField(blank=True, default=dict, verbose_name='further columns')),
                ('password_changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='password entered')),
                ('refused_count', models.PositiveIntegerField(db_default=0, default=0, verbose_name='refused')),
                ('unproven_count', models.PositiveIntegerField(db_default=0, default=0)),
            ],
            options={
                'verbose_name': 'credential',
                'verbose_name_plural': 'credentials',
                'ordering': ['portal_id', 'account'],
                'permissions': [('manage_credentials', 'Can upload credentials and enter passwords')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Portal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('login_url', models.CharField(help_text='The page that asks for the password. It is typed on this site and no other.', max_length=2000, verbose_name='login URL')),
                ('billing_url', models.CharField(help_text='The page that lists the bills, once logged in.', max_length=2000, verbose_name='billing URL')),
                ('recipe', models.JSONField(blank=True, default=dict, help_text='What is not said here is guessed, as most portals look alike. See the README.', verbose_name='recipe')),
                ('script', models.CharField(blank=True, default='', help_text='The name of a hand-written portal in bills/portals, in place of a recipe.', max_length=100, verbose_name='script')),
                ('max_attempts', models.PositiveIntegerField(default=5, help_text='Tries of each credential in all, the first included.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='attempts')),
                ('retry_delay_seconds', models.FloatField(default=10.0, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(3600.0)], verbose_name='wait before the next attempt (s)')),
                ('attempt_timeout_seconds', models.FloatField(default=300.0, help_text='From the login page to the last bill; after that the attempt is ended.', validators=[django.core.validators.MinValueValidator(1.0), django.core.validators.MaxValueValidator(3600.0)], verbose_name='time limit of one attempt (s)')),
                ('concurrency', models.PositiveIntegerField(default=3, help_text='Over all workers and jobs. Each further one takes about 30 MB of memory while it runs; 80 MB where only the full Chromium is installed, without its headless shell.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(50)], verbose_name='logins at once')),
                ('refused_password_limit', models.PositiveIntegerField(blank=True, help_text='Empty: twice. Most portals lock an account after 3 to 5 refused passwords, and some block our address after 10. Counted over attempts, jobs and retries, until the password is changed.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='times one refused password is submitted')),
            ],
            options={
                'verbose_name': 'portal',
                'verbose_name_plural': 'portals',
                'ordering': ['name'],
                'permissions': [('manage_portals', 'Can add, change, test and delete portals')],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='CredentialUse',
            fields=[
                ('batch', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='credential_use', serialize=False, to='imports.importbatch')),
                ('stage', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('stage_done', models.PositiveIntegerField(db_default=0, default=0)),
                ('stage_total', models.PositiveIntegerField(db_default=0, default=0)),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='bills.credential')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='CsvUpload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=500)),
                ('content', models.BinaryField()),
                ('uploaded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('uploaded_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('portal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='bills.portal')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='credential',
            name='portal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credentials', to='bills.portal'),
        ),
        migrations.CreateModel(
            name='BillRun',
            fields=[
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='bill_run', serialize=False, to='imports.importjob')),
                ('csv_name', models.CharField(max_length=500, verbose_name='file')),
                ('extra_columns', models.JSONField(default=list)),
                ('portal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='bills.portal')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Bill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=320)),
                ('email', models.CharField(max_length=320, verbose_name='e-mail')),
                ('number', models.CharField(blank=True, default='', max_length=200, verbose_name='number')),
                ('date', models.DateField(blank=True, null=True, verbose_name='date')),
                ('amount', models.DecimalField(blank=True, decimal_places=4, max_digits=18, null=True, verbose_name='amount')),
                ('contract', models.CharField(blank=True, default='', max_length=200, verbose_name='contract')),
                ('date_text', models.CharField(blank=True, default='', max_length=200)),
                ('document', models.TextField(blank=True, default='')),
                ('currency', models.CharField(blank=True, default='', max_length=20, verbose_name='currency')),
                ('file', models.FileField(max_length=200, storage=bills.storage.bill_storage, upload_to='')),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.PositiveBigIntegerField(verbose_name='size')),
                ('is_printed', models.BooleanField(default=False, verbose_name='printed from a page')),
                ('attempt_number', models.PositiveIntegerField()),
                ('fetched_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='fetched')),
                ('batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='bills', to='imports.importbatch')),
                ('portal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bills', to='bills.portal')),
            ],
            options={
                'verbose_name': 'bill',
                'verbose_name_plural': 'bills',
                'ordering': ['-id'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='PortalTest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('stage', models.CharField(blank=True, default='', max_length=20)),
                ('error_code', models.CharField(blank=True, default='', max_length=60)),
                ('message', imports.fields.MessageField()),
                ('details', models.JSONField(blank=True, default=dict)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tests', to='bills.credential')),
                ('portal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tests', to='bills.portal')),
            ],
            options={
                'ordering': ['-id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt_number', models.PositiveIntegerField(default=0)),
                ('stage', models.CharField(blank=True, default='', max_length=20)),
                ('kind', models.CharField(choices=[('screenshot', 'Screenshot'), ('page', 'Page'), ('trace', 'Trace')], max_length=20)),
                ('token', models.BinaryField()),
                ('url', models.TextField(blank=True, default='')),
                ('note', models.TextField(blank=True, default='')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='imports.importbatch')),
                ('test', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='bills.portaltest')),
            ],
            options={
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='credential',
            constraint=models.UniqueConstraint(fields=('portal', 'account'), name='credential_account_once'),
        ),
        migrations.AddIndex(
            model_name='bill',
            index=models.Index(fields=['account'], name='bill_account'),
        ),
        migrations.AddConstraint(
            model_name='bill',
            constraint=models.UniqueConstraint(fields=('portal', 'account', 'number', 'date', 'amount', 'contract', 'date_text', 'sha256'), name='bill_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='bill',
            constraint=models.CheckConstraint(condition=models.Q(('sha256', ''), _negated=True), name='bill_has_a_document'),
        ),
        migrations.AddIndex(
            model_name='evidence',
            index=models.Index(fields=['batch', 'attempt_number'], name='evidence_of_attempt'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('batch__isnull', False), ('test__isnull', False), _connector='OR'), name='evidence_is_of_something'),
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
