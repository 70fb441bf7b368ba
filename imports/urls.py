"""The URLs of this app outside the admin, for monitoring."""

from __future__ import annotations

from django.urls import path

from imports import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
