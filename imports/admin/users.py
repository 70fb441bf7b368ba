"""Users and groups, with permissions in words. Only a superuser makes or changes superusers."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Case, Q, When
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.accounts.models import Authenticator
from imports.admin.permissions import WORDS

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

    PermissionsField = forms.ModelMultipleChoiceField[Permission]
    GroupsBase = forms.ModelMultipleChoiceField[Group]
else:
    PermissionsField = GroupsBase = forms.ModelMultipleChoiceField

admin.site.unregister(User)  # importing Django's own admin has just registered them
admin.site.unregister(Group)


# What the groups that a migration makes are called; others by the name that somebody gave them.
GROUPS: dict[str, _StrOrPromise] = {
    "Viewers": gettext_lazy("Viewers"),
    "Operators": gettext_lazy("Operators"),
    "Administrators": gettext_lazy("Administrators"),
}


class GroupsField(GroupsBase):
    """Groups to tick, in the reader's language."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, obj: Group) -> str:
        return str(GROUPS.get(obj.name, obj.name))


class InWords(PermissionsField):
    """Permissions as a person says them; one that WORDS does not know by Django's name."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, obj: Permission) -> str:
        label = f"{obj.content_type.app_label}.{obj.codename}"
        return str(WORDS.get(label, obj.name))


def worth_giving(holder: User | Group | None) -> QuerySet[Permission]:
    """Those that open something here, in the order of WORDS, and what the holder has besides."""
    pairs = (label.split(".") for label in WORDS)
    known = [Q(content_type__app_label=app, codename=codename) for app, codename in pairs]
    wanted = reduce(or_, known)
    if holder is not None and holder.pk:
        wanted |= Q(user=holder.pk) if isinstance(holder, User) else Q(group=holder.pk)
    place = Case(*(When(each, then=n) for n, each in enumerate(known)), default=len(known))
    rows = Permission.objects.filter(pk__in=Permission.objects.filter(wanted).values("pk"))
    return rows.select_related("content_type").order_by(place, "pk")


def _in_words(form: Any, name: str, holder: User | Group | None) -> Any:
    """The form class, with that field's permissions to tick."""
    if field := form.base_fields.get(name):
        form.base_fields[name] = InWords(worth_giving(holder), label=field.label, required=False)
    return form


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg] # not at run time
    """Who may log in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()
    actions = ["remove_second_factor"]

    @admin.action(description=gettext_lazy("Remove the second factor"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For whoever has lost the telephone and the recovery codes."""
        users = [user for user in queryset if _may_touch(request, user)]
        removed, _ = Authenticator.objects.filter(user__in=users).delete()
        for user in users:
            self.log_change(request, user, "Removed the second factor.")
        said = ngettext(
            "Removed the second factor of %(n)s user.",
            "Removed the second factors of %(n)s users.",
            removed,
        )
        messages.success(request, said % {"n": removed})

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        groups = form.base_fields.get("groups")
        if isinstance(groups, forms.ModelMultipleChoiceField):
            form.base_fields["groups"] = GroupsField(
                groups.queryset, label=groups.label, required=False
            )
        return _in_words(form, "user_permissions", obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if request.user.is_superuser else ("is_superuser",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return request.user.is_superuser or user is None or not user.is_superuser


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """What a role may do."""

    filter_horizontal = ()
    list_display = ("name_column",)

    @display(description=gettext_lazy("Name"), ordering="name")
    def name_column(self, group: Group) -> str:
        return str(GROUPS.get(group.name, group.name))

    def get_form(
        self, request: HttpRequest, obj: Group | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return _in_words(form, "permissions", obj)
