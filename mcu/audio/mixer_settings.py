"""Numbers of the mixer, apart from it so that they can be set where numpy is not installed."""

from __future__ import annotations

import attrs

from sip import ABOVE_ZERO, Shown, checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class MixerSettings(Shown):
    """Numbers of the mix; ticks are 20 ms."""

    #: 20 ms at 8 kHz, the rate of the PCM of every codec that is mixed
    frame_samples: int = attrs.field(default=160, metadata=ABOVE_ZERO)
    max_contributors: int = 4  #: more voices at once are noise to a listener; at most 15 fit in a CSRC list
    gate: int = 160  #: mean absolute sample above which a frame counts as voice, about -46 dBov
    jump: int = 400  #: so far above the gate one frame is enough
    onset_ticks: int = 2  #: frames above the gate before a leg is let in: a click is not speech
    hangover_ticks: int = 40  #: frames below it before a leg is let go: pauses between words stay whole
    smoothing: float = 0.2  #: weight of the new frame in the loudness that ranks contributors
    displace_ratio: float = 1.5  #: how much louder a voice must be to take a contributor's place (3.5 dB)
