"""Folders of DICOM without the people in them."""
