"""The form in which a segment's rule is written and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from segsync.rules.check import check_rule
from segsync.rules.edit import canonical_rule
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import NO_VOCABULARY

if TYPE_CHECKING:
    from django.contrib.admin.widgets import AdminTextareaWidget as Textarea
    from django.contrib.admin.widgets import AdminTextInputWidget as TextInput

    SegmentModelForm = forms.ModelForm[Segment]
else:
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

    SegmentModelForm = forms.ModelForm

PREVIEW = "_preview"  # the button that shows what saving would do
EXAMPLE = "number_of_orders >= 2 AND last_order_date >= -90d"


class SegmentForm(SegmentModelForm):
    """A segment with its rule as text. A rule that does not check, or that somebody else changed meanwhile, is not saved."""

    rule = forms.CharField(
        widget=Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off", "class": "sg-rule", "placeholder": EXAMPLE}),
        help_text="Who belongs to this segment. Preview says what saving would do; once saved, members, tags and lists follow within moments.",
        strip=True,
    )
    reason = forms.CharField(
        required=False, max_length=300, label="Reason for the change", widget=TextInput(), help_text="Kept with the version, for whoever asks later."
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput())

    class Meta:
        model = Segment
        fields = ("shop", "name", "handle", "description", "state")
        help_texts = {
            "handle": "Names the customer tag and the contact list; it stays as it is after the first save.",
            "state": "A paused segment is not evaluated: its members stay, and the marks that SegSync set for it are taken away until it is on again.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        segment = self.instance
        if segment.pk is not None and segment.version is not None:
            self.initial.setdefault("rule", segment.version.rule)
            self.initial["seen_version"] = segment.version.number
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 2

    def is_valid(self) -> bool:
        """Whether to save: never when a preview was asked for, which leaves a form without errors to be shown again."""
        return super().is_valid() and PREVIEW not in self.data

    def clean_rule(self) -> str:
        """Check the rule; the error says at which line and column. What a name means may depend on the shop, which a wrong form may lack."""
        text: str = self.cleaned_data["rule"].replace("\r\n", "\n")
        try:
            shop = self.cleaned_data.get("shop") or getattr(self.instance, "shop", None)
            check_rule(text, replace(vocabulary_of(shop), handles=None) if shop else NO_VOCABULARY)  # handles are looked at with the whole form
        except RuleError as error:
            raise ValidationError(str(error), code="rule") from error
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse to write over a version that this page never showed, and a rule that asks about no segment or goes in a circle."""
        cleaned = super().clean() or self.cleaned_data
        segment = self.instance
        stale = segment.pk is not None and segment.version is not None and cleaned.get("seen_version") != segment.version.number
        if stale and "rule" in self.changed_data and segment.version is not None:
            self.add_error("rule", f"Version {segment.version.number} was saved while you were editing; open the page again and make your change there.")
        shop, handle = cleaned.get("shop") or getattr(segment, "shop", None), cleaned.get("handle") or segment.handle
        if shop and handle and "rule" in cleaned and "rule" not in self.errors:
            try:
                canonical_rule(shop, handle, cleaned["rule"])
            except RuleError as error:
                self.add_error("rule", ValidationError(str(error), code="rule"))
        return cleaned
