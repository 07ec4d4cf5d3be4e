"""What jobs are given in the place of folders of DICOM, and in the wrong place."""
