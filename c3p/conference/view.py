"""``msci:conference-view``: settings and state of the Focus and of each MCU (MS-CONFBAS)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Protocol, TypeVar

import attrs

from c3p.binding.fields import Attribute, Child, Children, Kind, Text, Texts
from c3p.binding.node import Node
from c3p.conference.user import full_by_default
from c3p.namespaces import CI, MSAV, MSCI, MSMCU
from c3p.vocabulary import Role


class _RoleRule(Protocol):
    @property
    def role(self) -> str | None: ...


R = TypeVar("R", bound=_RoleRule)


def rule_for(rules: Iterable[R], role: str) -> R | None:
    """The rule that names ``role``, else the one for role ``default``, else None."""
    by_role = {rule.role: rule for rule in rules}
    return by_role.get(role, by_role.get(Role.DEFAULT))


@attrs.frozen(kw_only=True, slots=False)
class MayModifyOwnFilters(Node):
    """Whether users of a role may block and unblock their own streams."""

    role: Annotated[str | None, Text(MSCI, "role")] = None
    value: Annotated[bool | None, Text(MSCI, "value", Kind.BOOLEAN)] = None


@attrs.frozen(kw_only=True, slots=False)
class InitialFilters(Node):
    """Filters that streams of users of a role start with."""

    role: Annotated[str | None, Text(MSCI, "role")] = None
    ingress_filter: Annotated[str | None, Text(MSCI, "ingressFilter")] = None
    egress_filter: Annotated[str | None, Text(MSCI, "egressFilter")] = None


@attrs.frozen(kw_only=True, slots=False)
class MediaFiltersRules(Node):
    """Rules about filters, by role, for one kind of media."""

    may_modify_own_filters: Annotated[tuple[MayModifyOwnFilters, ...], Children(MSCI, "mayModifyOwnFilters")] = ()
    initial_filters: Annotated[tuple[InitialFilters, ...], Children(MSCI, "initialFilters")] = ()
    type: Annotated[str | None, Text(MSAV, "type")] = None

    def may_modify(self, role: str) -> bool:
        """Whether ``role`` may change its own filters; yes where no rule speaks."""
        rule = rule_for(self.may_modify_own_filters, role)
        return rule is None or rule.value is not False

    def initial(self, role: str) -> InitialFilters | None:
        """Filters that ``role`` starts with, None where no rule speaks."""
        return rule_for(self.initial_filters, role)


@attrs.frozen(kw_only=True, slots=False)
class PresenterSource(Node):
    """Whose video everybody sees in ``manual-switched`` mode."""

    empty: Annotated[bool | None, Attribute("empty", kind=Kind.BOOLEAN)] = None
    entries: Annotated[tuple[str, ...], Texts(MSAV, "entry")] = ()


@attrs.frozen(kw_only=True, slots=False)
class VideoParameters(Node):
    """``msci:video-parameters`` of a video stream."""

    video_mode: Annotated[str | None, Text(MSAV, "video-mode")] = None
    intended_primary_presenter_source: Annotated[
        PresenterSource | None, Child(MSAV, "intended-primary-presenter-source")
    ] = None


@attrs.frozen(kw_only=True, slots=False)
class ModalParameters(Node):
    """``msci:modal-parameters`` of a stream."""

    video_parameters: Annotated[VideoParameters | None, Child(MSCI, "video-parameters")] = None


@attrs.frozen(kw_only=True, slots=False)
class MediaEntry(Node):
    """One stream that a conference or an MCU offers. Key: ``label``."""

    label: Annotated[str, Attribute("label")] = ""
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    type: Annotated[str | None, Text(CI, "type")] = None
    status: Annotated[str | None, Text(CI, "status")] = None
    modal_parameters: Annotated[ModalParameters | None, Child(MSCI, "modal-parameters")] = None


@attrs.frozen(kw_only=True, slots=False)
class EntryExitAnnouncements(Node):
    """``msmcu:entry-exit-announcements``."""

    modifiable: Annotated[bool | None, Text(MSMCU, "modifiable", Kind.BOOLEAN)] = None
    enabled: Annotated[bool | None, Text(MSMCU, "enabled", Kind.BOOLEAN)] = None


@attrs.frozen(kw_only=True, slots=False)
class EntityState(Node):
    """Settings and state of one MCU, or of the Focus, which has only ``locked``."""

    application: Annotated[str | None, Attribute("application")] = None
    display_text: Annotated[str | None, Text(MSCI, "displayText", Kind.TEXT)] = None
    active: Annotated[bool | None, Text(MSCI, "active", Kind.BOOLEAN)] = None
    locked: Annotated[bool | None, Text(MSCI, "locked", Kind.BOOLEAN)] = None
    media_filters_rules: Annotated[MediaFiltersRules | None, Child(MSCI, "mediaFiltersRules")] = None
    media: Annotated[tuple[MediaEntry, ...], Children(CI, "entry", wrapper=(MSCI, "media"))] = ()
    presentation_mode_capable: Annotated[bool | None, Text(MSMCU, "presentation-mode-capable", Kind.BOOLEAN, 1)] = None
    entry_exit_announcements: Annotated[EntryExitAnnouncements | None, Child(MSMCU, "entry-exit-announcements", 1)] = (
        None
    )
    #: URI of the user who speaks; nobody when absent. An extension of this project.
    active_speaker: Annotated[str | None, Text(MSMCU, "active-speaker", Kind.TOKEN, 1)] = None
    multi_view_capable: Annotated[bool | None, Text(MSMCU, "multi-view-capable", Kind.BOOLEAN, 1)] = None
    video_presentation_mode_capable: Annotated[
        bool | None, Text(MSMCU, "video-presentation-mode-capable", Kind.BOOLEAN, 1)
    ] = None
    conf_media_filters_rules: Annotated[
        tuple[MediaFiltersRules, ...], Children(MSMCU, "conf-media-filters-rules", generation=1)
    ] = ()


@attrs.frozen(kw_only=True, slots=False)
class AvCapabilities(Node):
    """``msav:capabilities``: what an audio-video MCU can do."""

    supports_audio: Annotated[bool | None, Text(MSAV, "supports-audio", Kind.BOOLEAN)] = None
    supports_video: Annotated[bool | None, Text(MSAV, "supports-video", Kind.BOOLEAN)] = None


@attrs.frozen(kw_only=True, slots=False)
class EntityCapabilities(Node):
    """Static features of one MCU. Those of types other than audio-video are kept in ``extra``."""

    av: Annotated[AvCapabilities | None, Child(MSAV, "capabilities")] = None


@attrs.frozen(kw_only=True, slots=False)
class EntityView(Node):
    """One MCU, or the Focus. Key: ``entity``, its URI; in ``addConference`` to the Focus Factory the MCU type."""

    entity: Annotated[str, Attribute("entity")] = ""
    state: Annotated[str | None, Attribute("state", CI)] = attrs.field(default=None, eq=full_by_default)
    capabilities: Annotated[EntityCapabilities | None, Child(MSCI, "entity-capabilities")] = None
    entity_state: Annotated[EntityState | None, Child(MSCI, "entity-state")] = None


@attrs.frozen(kw_only=True, slots=False)
class ConferenceView(Node):
    """The views of a conference. ``state`` is namespace-qualified on the wire, unlike that of users."""

    state: Annotated[str | None, Attribute("state", CI)] = attrs.field(default=None, eq=full_by_default)
    views: Annotated[tuple[EntityView, ...], Children(MSCI, "entity-view")] = ()

    def view(self, entity: str) -> EntityView | None:
        """The view of that exact ``entity``, None when there is none."""
        return next((view for view in self.views if view.entity == entity), None)
