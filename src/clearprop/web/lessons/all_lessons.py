"""All lessons, in the order of the menu."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from clearprop.web.lessons.boolean import BOOLEAN
from clearprop.web.lessons.lesson import Lesson
from clearprop.web.lessons.overfitting import OVERFITTING
from clearprop.web.lessons.saturation import SATURATION
from clearprop.web.lessons.softmax import SOFTMAX
from clearprop.web.lessons.towers import TOWERS
from clearprop.web.lessons.vanishing import VANISHING

#: name -> lesson
LESSONS: Mapping[str, Lesson] = MappingProxyType(
    {each.name: each for each in (BOOLEAN, TOWERS, SATURATION, VANISHING, OVERFITTING, SOFTMAX)}
)
