"""What `review` leaves behind: review.csv, review.json and review.html, all or none."""

import json
from pathlib import Path

from openigrt.report import render_course_report
from openigrt.tasks.results.folder import require_usable_folder, utf8, write_together
from openigrt.tasks.review.content import course_content
from openigrt.tasks.review.course import CourseReview
from openigrt.tasks.review.record import review_record
from openigrt.tasks.review.summary import REPORT
from openigrt.tasks.review.table import review_table
from openigrt.tasks.words import require_paths

TABLE, RECORD = "review.csv", "review.json"
RESULTS = TABLE, REPORT, RECORD


def write_review(review: CourseReview, folder: str | Path) -> Path:
    """Write the three files into `folder` (made if need be) and return it; older ones are moved to its `former`.

    All appear or none does. Raises InputError when the folder cannot be written.
    """
    require_paths(folder=folder)
    folder = Path(folder)
    require_usable_folder(folder, RESULTS)
    record = json.dumps(review_record(review), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    contents = {
        TABLE: utf8(review_table(review)),
        REPORT: utf8(render_course_report(course_content(review))),
        RECORD: utf8(record),
    }
    write_together(folder, contents, RECORD)
    return folder
