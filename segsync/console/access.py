"""Who may sign in: Django's users and groups on Unfold's forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User

if TYPE_CHECKING:
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserCreationForm
    from django.contrib.auth.forms import UserChangeForm as AnyUserChangeForm

    UserChangeForm = AnyUserChangeForm[User]
    UserBase = DjangoUserAdmin[User]

    class _Unfold:
        """Unfold's ModelAdmin, for the type checker."""
else:
    from unfold.admin import ModelAdmin as _Unfold
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    UserBase = DjangoUserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(UserBase, _Unfold):
    """People who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter_sheet = False


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, _Unfold):
    """Groups of rights."""
