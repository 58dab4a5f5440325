"""Lessons: short guided tours over the page, each step a text beside a prepared state that bears it out."""

from clearprop.web.lessons.all_lessons import LESSONS
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step
from clearprop.web.lessons.preparing import measured, prepare

__all__ = ["LESSONS", "Claim", "Lesson", "State", "Step", "measured", "prepare"]
