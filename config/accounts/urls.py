"""The pages around the login, beside the admin's own."""

from __future__ import annotations

from django.urls import path

from config.accounts import single_sign_on, two_factor

urlpatterns = [
    path("admin/two-factor/", two_factor.two_factor, name="two_factor"),
    path("admin/single-sign-on/", single_sign_on.begin, name="single_sign_on"),
    path("admin/single-sign-on/back/", single_sign_on.back, name="single_sign_on_back"),
]
