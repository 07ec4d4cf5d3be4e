"""A virtual patient through a whole course of treatment, with what was true beside what was believed."""

from openigrt.tasks.course.course import Course
from openigrt.tasks.course.record import course_record, course_summary
from openigrt.tasks.course.simulating import simulate_course

__all__ = ["Course", "course_record", "course_summary", "simulate_course"]
