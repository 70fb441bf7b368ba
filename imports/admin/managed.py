"""Forms of what jobs go to: one permission to manage them, another to look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unfold.admin import ModelAdmin

from imports.admin import permissions

if TYPE_CHECKING:
    from django.http import HttpRequest


class ManagedAdmin(ModelAdmin):
    """Whoever has `manage` adds, changes and deletes; Django's "view" shows, without secrets."""

    manage: str  # "imports.manage_apis"
    secrets: tuple[str, ...] = ()  # fields that are only ever written

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Also for actions; Django asks for it by this name."""
        return permissions.may(request, self.manage)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the secrets for whoever only looks: Django would print what is stored."""
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_manage_permission(request):
            return fieldsets
        return [
            (name, {**told, "fields": [f for f in told["fields"] if f not in self.secrets]})
            for name, told in fieldsets
        ]
