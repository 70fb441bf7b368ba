"""Every address: the admin, and two for whoever watches the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from imports.admin import queue

urlpatterns = [
    path("admin/queue/", include((queue.addresses(), "django_rq"))),
    path("admin/", admin.site.urls),
    path("", include("imports.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
