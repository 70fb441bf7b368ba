"""Every address: the admin, the choice of a language, and two for whoever watches the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from bills.admin.bills import linked_file
from imports.admin import site

handler400 = "imports.views.bad_request"
urlpatterns = [
    path("admin/queue/", include((site.addresses(), "django_rq"))),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("imports.urls")),
    path("files/bills/<str:token>/", linked_file, name="bill_file"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
