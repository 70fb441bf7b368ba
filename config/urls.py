"""Every address: the admin, the choice of a language, signed links to bills, and the probes."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from bills.admin.bills import linked_file
from config import error_pages, probes
from config.accounts import sign_in, single_sign_on
from imports.admin import site

admin.autodiscover()
handler400 = "config.error_pages.bad_request"
handler403 = "config.error_pages.forbidden"
handler404 = "config.error_pages.not_found"
handler500 = "config.error_pages.failed"
urlpatterns = [
    path("admin/queue/", include((site.addresses(), "django_rq"))),
    path("admin/two-factor/", sign_in.two_factor, name="two_factor"),
    path("admin/single-sign-on/", single_sign_on.begin, name="single_sign_on"),
    path("admin/single-sign-on/back/", single_sign_on.back, name="single_sign_on_back"),
    # "View on site": nothing here has a page outside the admin, and not every model has a table.
    path("admin/r/<path:row>/", error_pages.no_such_row),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("files/bills/<str:token>/", linked_file, name="bill_file"),
    path("metrics", probes.metrics, name="metrics"),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
]
