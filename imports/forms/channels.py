"""The form of a notification channel. Its secret is written here, and never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from imports.customers.addresses import BadAddress, check_url
from imports.models import Channel
from imports.models.notices import ChannelKind
from imports.notices import mail
from imports.notices.message import NotDelivered
from imports.notices.webhook import key_of

if TYPE_CHECKING:
    ChannelModelForm = forms.ModelForm[Channel]
else:
    ChannelModelForm = forms.ModelForm

MOST_RECIPIENTS = 50
SHORTEST_KEY = 16  # bytes


class ChannelForm(ChannelModelForm):
    """Mailboxes, or an address and a secret. An empty secret keeps what is stored."""

    recipients = forms.CharField(
        label=gettext_lazy("Recipients"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "anna@example.com"}),
        help_text=gettext_lazy("E-mail addresses, one a line. All of them get one mail together."),
    )
    secret = forms.CharField(
        label=gettext_lazy("Signing secret"),
        required=False,
        max_length=1_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Channel
        exclude = ("secret",)  # written by `save` alone

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = Channel.objects.filter(pk=self.instance.pk)
        self.has_secret = row.exclude(secret="").exists()
        self.fields["secret"].help_text = _secret_help(self.has_secret)
        self.fields["url"].help_text = _(
            "Each notification is POSTed there as JSON. It must answer 200 within 10 seconds."
        )

    def clean_recipients(self) -> str:
        """One address a line, each of which could be one."""
        found = self.cleaned_data["recipients"].replace(",", " ").replace(";", " ").split()
        for each in found:
            try:
                validate_email(each)
            except ValidationError:
                told = _("“%(text)s” is not an e-mail address.") % {"text": each}
                raise ValidationError(told) from None
        if len(found) > MOST_RECIPIENTS:
            raise ValidationError(_("At most %(n)s. Use a mailing list.") % {"n": MOST_RECIPIENTS})
        return "\n".join(found)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url:
            try:
                check_url(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
            except BadAddress as error:
                raise ValidationError(str(error)) from None
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if secret:
            try:
                key = key_of(secret)
            except NotDelivered:
                raise ValidationError(_("What follows “whsec_” is not base64.")) from None
            if len(key) < SHORTEST_KEY:
                raise ValidationError(_("At least %(n)s characters.") % {"n": SHORTEST_KEY})
        return secret

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") == ChannelKind.EMAIL:
            self._need(data, "recipients", _("Say who gets the mails."))
            if not mail.is_possible():
                self.add_error(
                    "kind", _("No mail server is set. An administrator sets EMAIL_URL.")
                )
        else:
            self._need(data, "url", _("Say where to."))
            if not self.has_secret:
                self._need(data, "secret", _("The receiver needs it to know who sends."))
        return data

    def _need(self, data: dict[str, Any], name: str, why: str) -> None:
        if not data.get(name) and name not in self.errors:
            self.add_error(name, why)

    def save(self, commit: bool = True) -> Channel:
        if self.cleaned_data.get("secret"):
            self.instance.secret = self.cleaned_data["secret"]
        saved: Channel = super().save(commit)
        return saved


def _secret_help(is_stored: bool) -> str:
    if is_stored:
        return _("One is stored, encrypted, and is not shown. Leave this empty to keep it.")
    return _("The receiver must know the same. It is kept encrypted and never shown again.")
