"""Every image of a course, matched again and compared."""
